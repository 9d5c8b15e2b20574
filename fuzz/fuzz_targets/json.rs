//! Forms in JSON: any body is read or refused as the caller's fault.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| likeness::api::fuzzing::json(body));
