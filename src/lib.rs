//! Likeness: is the person in a live selfie the one on an identity document, and are they on a watchlist?
//!
//! Dependencies point down only: `startup` → `api` → `verify` → {`store`, `vision`} → `domain`.

pub mod domain;
pub mod store;
