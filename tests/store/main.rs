//! The store against a real PostgreSQL: what is kept, who can see it, and what is refused.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a test is a failed test"
)]

mod attempts;
mod audit;
mod cancellation;
mod changes;
mod clocks;
mod constraints;
mod cost;
mod erasures;
mod fixture;
mod galleries;
mod idempotency;
mod images;
mod isolation;
mod jobs;
mod memory;
mod model_changes;
mod queries;
mod recall;
mod records;
mod rekeying;
mod retention;
mod reviews;
mod search;
mod search_each;
mod startup;
mod tenants;
mod traces;
mod used_tokens;

#[path = "../support/mod.rs"]
mod support;
