//! The HTTP face of the service: one file a resource, each handler registered and documented in one step.

mod answers;
mod audit_events;
mod docs;
mod documents;
mod edge;
mod erasures;
mod extract;
mod faces;
mod fallback;
mod headers;
mod health;
mod idempotency;
mod imports;
mod jobs;
mod liveness_sessions;
mod model_changes;
mod models;
mod pages;
mod problem;
mod retention;
mod reviews;
mod routes;
mod serve;
mod subjects;
mod throttle;
mod verifications;
mod views;
mod watchlists;

pub use docs::openapi;
#[cfg(fuzzing)]
pub use extract::fuzzing;
pub use serve::{Port, Surface, serve};
