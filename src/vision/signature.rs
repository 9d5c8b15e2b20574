//! What a whole picture looks like, small and grey.

use super::VisionError;
use super::crop::{Area, Scaler};
use super::picture::View;
use super::tensor::luminance;
use crate::domain::liveness_session::{SIGNATURE_SIDE, Signature};

/// The grey thumbnail of a picture.
pub(super) fn sign(image: &View, scaler: &mut Scaler) -> Result<Signature, VisionError> {
    let side = SIGNATURE_SIDE as u32;
    let small = scaler.scale(image, Area::whole(image), side, side)?;
    let grey = luminance(&small).into_iter();
    let values: Vec<u8> = grey.map(|value| value.round() as u8).collect();
    Signature::parse(&values)
        .ok_or_else(|| VisionError::Inference("a thumbnail of another size".to_owned()))
}
