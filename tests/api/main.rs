//! The service over a real socket, on a real PostgreSQL, with scripted faces.

mod app;
mod authorization;
mod bodies;
mod documentation;
mod operations;
mod tokens;
mod verifications;
mod watchlists;

#[path = "../support/mod.rs"]
mod support;
