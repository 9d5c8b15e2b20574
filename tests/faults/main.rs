//! What becomes of acknowledged writes while processes are killed, networks fail and disks run full.
//!
//! Clients keep a history of what they asked for and what they were told ([`history`]); at the end it is compared with
//! what is there. Where a whole process is to be killed, this program starts itself once more as the service
//! ([`process`]), with faces that come from numbers ([`backend`]), so that inference costs nothing. `CONTRIBUTING.md`
//! says how to run the long version.

#![expect(clippy::unwrap_used, reason = "a test fails where an unwrap does")]

mod backend;
mod backup;
mod client;
mod clock;
mod contention;
mod disk;
mod hangups;
mod history;
mod inside;
mod kills;
mod load;
mod memory;
mod models;
mod network;
mod overload;
mod process;
mod proxy;
mod retries;
mod stop;

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/token_rules.rs"]
mod token_rules;
