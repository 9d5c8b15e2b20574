//! An encoded picture, and its pixels for all who look at it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use image::RgbImage;

use super::VisionError;
use super::decode::{ImageLimits, decode};

/// A picture as it came. Clones are the same picture: where several workers need all of its pixels at the same time, one of
/// them decodes it for all. Pixels are kept no longer than somebody works with them: of pictures that wait there are many.
#[derive(Clone)]
pub struct Encoded {
    bytes: Bytes,
    pixels: Arc<Mutex<Weak<RgbImage>>>,
}

impl From<Bytes> for Encoded {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            pixels: Arc::default(),
        }
    }
}

impl From<Vec<u8>> for Encoded {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Encoded {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All upright pixels. The bounds have to be the same for all who look at the picture.
    ///
    /// # Errors
    /// [`VisionError`] as [`decode`].
    pub(super) fn pixels(&self, limits: ImageLimits) -> Result<Arc<RgbImage>, VisionError> {
        // Whoever panicked over it left nothing there.
        let mut pixels = self.pixels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pixels) = pixels.upgrade() {
            return Ok(pixels);
        }
        let decoded = Arc::new(decode(&self.bytes, limits)?);
        *pixels = Arc::downgrade(&decoded);
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn pixels_are_shared_while_somebody_has_them_and_a_fault_is_found_by_everybody() {
        let mut png = Cursor::new(Vec::new());
        let picture = RgbImage::from_pixel(3, 2, image::Rgb([7, 8, 9]));
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let one = Encoded::from(png.into_inner());
        let other = one.clone();
        let limits = ImageLimits::default();
        let [a, b] = [&one, &other].map(|encoded| encoded.pixels(limits).unwrap());
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!(*a, picture);
        drop((a, b));
        assert!(one.pixels.lock().unwrap().upgrade().is_none());
        assert_eq!(*other.pixels(limits).unwrap(), picture);

        let broken = Encoded::from(one.bytes()[..40].to_vec());
        for _ in 0..2 {
            assert!(matches!(
                broken.pixels(limits),
                Err(VisionError::CorruptImage)
            ));
        }
    }
}
