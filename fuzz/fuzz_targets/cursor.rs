//! Cursors: a text is one of ours or refused, and one of ours is written in one way only.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|cursor: &str| likeness::api::fuzzing::cursor(cursor));
