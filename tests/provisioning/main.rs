//! Assets and the embedded database as a whole: real programs, real packages, and faults that are made on purpose.

#![expect(clippy::unwrap_used, reason = "a step that fails is to fail its test")]

mod assets;
mod audit;
mod bench;
mod eval;
mod idempotency;
mod imports;
mod made_up;
#[path = "../support/models.rs"]
mod models;
mod moved;
#[path = "../support/onnx.rs"]
mod onnx;
mod own_detectors;
mod own_models;
mod postgres;
mod scene;
