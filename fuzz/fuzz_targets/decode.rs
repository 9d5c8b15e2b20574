//! Pictures: any bytes are decoded or refused, within the bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use likeness::vision::{ImageLimits, VisionError, decode};

/// Small, so that the fuzzer looks at code and not at pixels.
const LIMITS: ImageLimits = ImageLimits {
    max_pixels: 200_000,
};

fuzz_target!(|encoded: &[u8]| match decode(encoded, LIMITS) {
    Ok(picture) => assert!(u64::from(picture.width()) * u64::from(picture.height()) <= LIMITS.max_pixels),
    Err(VisionError::UnsupportedImage | VisionError::CorruptImage | VisionError::ImageTooLarge { .. }) => {}
    Err(error) => panic!("{error}"),
});
