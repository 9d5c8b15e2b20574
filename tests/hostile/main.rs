//! Hostile pictures and bodies against the whole service: real socket, real database, real models where they matter.
//!
//! Every case is made here, from the fixtures or from bytes, with a fixed seed. Each has the answer that it must get.

#![expect(clippy::unwrap_used, reason = "a test fails where an unwrap does")]

#[path = "../api/answer.rs"]
#[allow(
    dead_code,
    reason = "the harness is that of the tests of the API, and more than is needed here"
)]
mod answer;
#[path = "../api/app.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the harness is that of the tests of the API, and more than is needed here"
)]
mod app;
mod bombs;
mod cases;
mod encode;
mod formats;
mod forms;
mod machine;
mod people;
mod pictures;
mod reduced;
mod scores;
#[path = "../api/scripted.rs"]
#[allow(
    dead_code,
    reason = "the harness is that of the tests of the API, and more than is needed here"
)]
mod scripted;
mod sockets;
mod stuck;
mod texts;

#[path = "../support/orientation.rs"]
mod orientation;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/token_rules.rs"]
mod token_rules;
