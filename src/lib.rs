//! Likeness: is the person in a live selfie the one on an identity document, and are they on a watchlist?
//!
//! Dependencies point down only: `startup` → `api` → {`imports` → `verify`, `lifecycle`} → {`store` → `gallery`, `vision`} →
//! `domain`.

pub mod allocator;
pub mod api;
pub mod assets;
pub mod auth;
pub mod bench;
pub mod cli;
pub mod config;
pub mod domain;
pub mod error;
pub mod eval;
pub mod gallery;
pub mod imports;
pub mod lifecycle;
pub mod metrics;
pub mod models;
pub mod ports;
pub mod postgres;
pub mod pruning;
mod registration;
pub mod startup;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod throttle;
pub mod tls;
pub mod verify;
pub mod vision;
