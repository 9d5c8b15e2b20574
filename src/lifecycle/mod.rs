//! The life of records: those whose time is over are swept away, a person is erased when they ask for it, and templates
//! and kept pictures are rewritten when their key changes.
//!
//! Nothing here knows pictures or HTTP. What is due is decided by an instant that is handed in.

mod erasure;
mod reencryption;
mod rekeying;
mod sweeper;

pub use erasure::{ErasureRequest, Receipt, commitment, erase};
pub use sweeper::{SWEEP_INTERVAL, Sweeper, Swept};
