//! TensorFlow Lite networks: any file is converted or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| likeness::vision::fuzzing::tflite(file));
