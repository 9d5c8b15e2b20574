//! Pictures: any bytes are decoded or refused, within the bounds, in full and reduced.

#![no_main]

use libfuzzer_sys::fuzz_target;
use likeness::vision::{ImageLimits, VisionError, decode, decode_reduced};

/// Small, so that the fuzzer looks at code and not at pixels.
const LIMITS: ImageLimits = ImageLimits {
    max_pixels: 200_000,
};

fuzz_target!(|encoded: &[u8]| {
    let decoded = [1, 2, 8].map(|reduction| decode_reduced(encoded, LIMITS, reduction));
    for picture in [decode(encoded, LIMITS).map(Some)].into_iter().chain(decoded) {
        match picture {
            Ok(Some(picture)) => {
                assert!(u64::from(picture.width()) * u64::from(picture.height()) <= LIMITS.max_pixels);
            }
            Ok(None) => {}
            Err(VisionError::UnsupportedImage | VisionError::CorruptImage | VisionError::ImageTooLarge { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
});
