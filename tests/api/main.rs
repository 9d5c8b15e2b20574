//! The service over a real socket, on a real PostgreSQL, with scripted faces.

#![expect(clippy::unwrap_used, reason = "a test fails where an unwrap does")]

mod answer;
mod app;
mod assignment;
mod attempts;
mod audit;
mod authorization;
mod bodies;
mod browsers;
mod budgets;
mod consent;
mod dashboards;
mod document;
mod documentation;
mod documents;
mod duplicates;
mod embedders;
mod enrolment;
mod erasures;
mod faces;
mod idempotency;
mod imports;
mod keeping;
mod kept_images;
mod liveness_sessions;
mod lying;
mod model_changes;
mod models;
mod operations;
mod photographs;
mod ports;
mod quality;
mod retention;
mod reviews;
mod rounding;
mod scripted;
mod specimens;
mod subjects;
mod tenants;
mod tls;
mod tokens;
mod verifications;
mod watchlists;
mod world;

#[path = "../support/http2.rs"]
mod http2;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/token_rules.rs"]
mod token_rules;
#[path = "../support/turned.rs"]
mod turned;
