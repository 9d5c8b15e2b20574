//! The program as it is run, a process of its own with the real models: what becomes of settings that hold for a whole
//! process.

#![expect(clippy::unwrap_used, reason = "a test fails where an unwrap does")]

mod device;
mod outages;
mod service;
mod spans;
mod traces;

#[path = "../support/collector.rs"]
mod collector;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/token_rules.rs"]
mod token_rules;
