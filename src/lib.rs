//! Likeness: is the person in a live selfie the one on an identity document, and are they on a watchlist?
//!
//! Dependencies point down only: `startup` → `api` → `verify` → {`store`, `vision`} → `domain`.

pub mod assets;
pub mod cli;
pub mod config;
pub mod domain;
pub mod postgres;
pub mod telemetry;
