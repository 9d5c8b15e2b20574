//! What a whole picture looks like, small and grey.

use super::VisionError;
use super::crop::{Area, Scaler};
use super::picture::View;
use crate::domain::liveness_session::{SIGNATURE_SIDE, Signature};

/// The grey thumbnail of a picture.
pub(super) fn sign(image: &View, scaler: &mut Scaler) -> Result<Signature, VisionError> {
    let side = SIGNATURE_SIDE as u32;
    let small = scaler.scale(image, Area::whole(image), side, side)?;
    let values: Vec<u8> = small.pixels().map(|pixel| grey(pixel.0)).collect();
    Signature::parse(&values)
        .ok_or_else(|| VisionError::Inference("a thumbnail of another size".to_owned()))
}

/// Luminance by ITU-R BT.601.
fn grey([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    ((sum + 500) / 1000) as u8
}
