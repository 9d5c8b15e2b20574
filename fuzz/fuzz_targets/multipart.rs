//! Forms of parts: any body is read or refused as the caller's fault, however it is cut into pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| likeness::api::fuzzing::multipart(body));
