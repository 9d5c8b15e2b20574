//! Likeness: is the person in a live selfie the one on an identity document, and are they on a watchlist?
//!
//! Dependencies point down only: `startup` → `api` → `verify` → {`store`, `vision`} → `domain`.

pub mod api;
pub mod auth;
pub mod domain;
pub mod error;
pub mod eval;
pub mod metrics;
pub mod state;
pub mod store;
pub mod verify;
pub mod vision;
