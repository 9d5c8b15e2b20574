//! What is too poor about the pictures of a verification.

use serde::Serialize;
use utoipa::ToSchema;

use super::round3;
use crate::domain::shortfall::{Measure, Picture, Shortfall};

/// A component of quality that asks for a human, with the range that needs none.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShortfallView {
    /// Whose picture: `selfie` or `document`.
    #[schema(value_type = String, example = "selfie")]
    pub picture: Picture,
    /// What was measured: `inter_eye_distance` in pixels, `pose_yaw` or `pose_pitch` in degrees.
    #[schema(value_type = String, example = "pose_yaw")]
    pub component: Measure,
    /// What it came to.
    #[schema(example = 51.2)]
    pub value: f64,
    /// The least that needs no human, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = -45.0)]
    pub at_least: Option<f64>,
    /// The most that needs no human, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 45.0)]
    pub at_most: Option<f64>,
}

impl From<Shortfall> for ShortfallView {
    fn from(short: Shortfall) -> Self {
        let told = |bound: Option<f32>| bound.map(f64::from);
        Self {
            picture: short.picture,
            component: short.component,
            value: round3(short.value.into()),
            at_least: told(short.at_least),
            at_most: told(short.at_most),
        }
    }
}
