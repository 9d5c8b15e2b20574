//! The service over a real socket, on a real PostgreSQL, with scripted faces.

#![expect(clippy::unwrap_used, reason = "a test fails where an unwrap does")]

mod answer;
mod app;
mod assignment;
mod audit;
mod authorization;
mod bodies;
mod consent;
mod document;
mod documentation;
mod duplicates;
mod enrolment;
mod erasures;
mod idempotency;
mod imports;
mod keeping;
mod operations;
mod photographs;
mod retention;
mod reviews;
mod subjects;
mod tenants;
mod tokens;
mod verifications;
mod watchlists;
mod world;

#[path = "../support/mod.rs"]
mod support;
