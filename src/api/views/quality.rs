//! How good the picture of a face is.

use serde::Serialize;
use utoipa::ToSchema;

use super::face::PoseView;
use super::{round1, round3};
use crate::domain::decision::{CheckResult, FaceQuality};
use crate::domain::quality::{Component, Components, Purpose, score};

/// How well a face can be compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct QualityView {
    /// One score for all of it, 0 to 100: the higher, the less likely is it that the person is not recognised by this
    /// picture. It takes no part in any decision. Null where no template was made of the face.
    #[schema(example = 83, minimum = 0, maximum = 100)]
    pub score: Option<u8>,
    /// Distance between the eyes, in pixels.
    #[schema(example = 96.4)]
    pub inter_eye_distance: f64,
    /// Variance of the Laplacian of the aligned grey face; low is blurred.
    #[schema(example = 412.0)]
    pub sharpness: f64,
    /// Mean luminance of the aligned face, 0 to 1.
    #[schema(example = 0.48)]
    pub brightness: f64,
    /// Standard deviation of that luminance, 0 to 0.5.
    #[schema(example = 0.19)]
    pub contrast: f64,
    /// Where the head points, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pose: Option<PoseView>,
    /// Each component by itself, with what it is held to: in a verification to what its check asks of a selfie or a
    /// portrait, otherwise to what an enrolment asks.
    pub components: ComponentsView,
}

impl From<FaceQuality> for QualityView {
    fn from(quality: FaceQuality) -> Self {
        Self::new(&quality, Purpose::Enrolment)
    }
}

impl QualityView {
    /// A face held to what it is for.
    pub(super) fn new(quality: &FaceQuality, purpose: Purpose) -> Self {
        let measures = quality.measures;
        Self {
            score: score(quality).map(|score| score.round() as u8),
            inter_eye_distance: round1(measures.inter_eye_distance),
            sharpness: round3(measures.sharpness.into()),
            brightness: round3(measures.brightness.into()),
            contrast: round3(measures.contrast.into()),
            pose: quality.pose.map(PoseView::from),
            components: Components::of(quality, purpose).into(),
        }
    }
}

/// One component of quality. At an enrolment, a face is refused that fails yaw, pitch, sharpness, brightness, contrast or
/// inter-eye distance. The check of a verification rests on yaw, pitch and inter-eye distance of the selfie and on the
/// inter-eye distance of the portrait. The other components inform.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComponentView {
    /// What was measured; null where it was not.
    #[schema(example = 0.97)]
    pub value: Option<f64>,
    /// What it is measured in: `degrees`, `pixels`, `bits`, `share` (0 to 1), `probability` (0 to 1), `luminance` (0 black to
    /// 1 white), `variance` or `face_widths`.
    #[schema(value_type = String, example = "share")]
    pub unit: &'static str,
    /// The least that passes, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.5)]
    pub at_least: Option<f64>,
    /// The most that passes, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// `pass`, `fail` or `not_evaluated`.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
}

impl ComponentView {
    fn new(component: Component, unit: &'static str) -> Self {
        let told = |value: Option<f32>| value.map(|value| round3(value.into()));
        Self {
            value: told(component.value),
            unit,
            at_least: told(component.at_least),
            at_most: told(component.at_most),
            result: component.result,
        }
    }
}

/// The components of quality, named after ISO/IEC 29794-5.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComponentsView {
    /// Turn of the head to the side, in degrees; positive turns towards the picture's left.
    pub pose_yaw: ComponentView,
    /// Nod of the head, in degrees; positive looks up.
    pub pose_pitch: ComponentView,
    /// Tilt of the head in the picture's plane, in degrees; positive is clockwise.
    pub pose_roll: ComponentView,
    /// Variance of the Laplacian of the aligned grey face; low is blurred.
    pub sharpness: ComponentView,
    /// Mean luminance of the aligned face.
    pub brightness: ComponentView,
    /// Share of the face, from brows to chin, whose luminance is 25 of 255 or less.
    pub under_exposure: ComponentView,
    /// Share of the face, from brows to chin, whose luminance is 247 of 255 or more.
    pub over_exposure: ComponentView,
    /// Mean luminance of the darker half of the face, left or right, as a share of the brighter half's; low is lit from one
    /// side.
    pub illumination_uniformity: ComponentView,
    /// Standard deviation of the luminance of the aligned face.
    pub contrast: ComponentView,
    /// Entropy of the luminance of the face, from brows to chin, 0 to 8 bits.
    pub dynamic_range: ComponentView,
    /// Distance between the centres of the eyes, in pixels.
    pub inter_eye_distance: ComponentView,
    /// Probability that both eyes are open: that of the eye that looks less open.
    pub eyes_open: ComponentView,
    /// Share of the face that something hides. Always `not_evaluated`: nothing here measures it.
    pub occlusion: ComponentView,
    /// Distance of the face's box to the nearest edge of the picture, in widths of the box; 0 where the picture cuts it.
    pub margin: ComponentView,
}

impl From<Components> for ComponentsView {
    fn from(components: Components) -> Self {
        let view = ComponentView::new;
        Self {
            pose_yaw: view(components.pose_yaw, "degrees"),
            pose_pitch: view(components.pose_pitch, "degrees"),
            pose_roll: view(components.pose_roll, "degrees"),
            sharpness: view(components.sharpness, "variance"),
            brightness: view(components.brightness, "luminance"),
            under_exposure: view(components.under_exposure, "share"),
            over_exposure: view(components.over_exposure, "share"),
            illumination_uniformity: view(components.illumination_uniformity, "share"),
            contrast: view(components.contrast, "luminance"),
            dynamic_range: view(components.dynamic_range, "bits"),
            inter_eye_distance: view(components.inter_eye_distance, "pixels"),
            eyes_open: view(components.eyes_open, "probability"),
            occlusion: view(components.occlusion, "share"),
            margin: view(components.margin, "face_widths"),
        }
    }
}
