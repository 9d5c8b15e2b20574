//! Faces in pictures.

use serde::Serialize;
use utoipa::ToSchema;

use super::quality::QualityView;
use super::verification::ThresholdsView;
use super::{round1, round3, told_fmr};
use crate::domain::decision::{CheckResult, FaceQuality};
use crate::domain::face::{BoundingBox, Face, FivePoints, Point, Pose};
use crate::verify::{Comparison, TargetComparison};
use crate::vision::Analysis;

/// `[x, y, width, height]` in pixels of the upright picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = [f64], example = json!([102.0, 80.5, 210.3, 260.1]))]
pub struct BoxView([f64; 4]);

impl From<BoundingBox> for BoxView {
    fn from(area: BoundingBox) -> Self {
        Self([area.x, area.y, area.width, area.height].map(round1))
    }
}

/// `[x, y]` in pixels of the upright picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = [f64], example = json!([150.2, 160.8]))]
pub struct PointView([f64; 2]);

impl From<Point> for PointView {
    fn from(point: Point) -> Self {
        Self([round1(point.x), round1(point.y)])
    }
}

/// The five points that alignment uses; left and right are the picture's.
#[derive(Debug, Serialize, ToSchema)]
pub struct LandmarksView {
    /// Centre of the eye on the left of the picture.
    pub left_eye: PointView,
    /// Centre of the eye on the right of the picture.
    pub right_eye: PointView,
    /// Tip of the nose.
    pub nose: PointView,
    /// Corner of the mouth on the left of the picture.
    pub left_mouth: PointView,
    /// Corner of the mouth on the right of the picture.
    pub right_mouth: PointView,
}

impl From<FivePoints> for LandmarksView {
    fn from(points: FivePoints) -> Self {
        Self {
            left_eye: points.left_eye.into(),
            right_eye: points.right_eye.into(),
            nose: points.nose.into(),
            left_mouth: points.left_mouth.into(),
            right_mouth: points.right_mouth.into(),
        }
    }
}

/// Rotation of the head in degrees.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoseView {
    /// Turn to the side; positive turns towards the picture's left.
    #[schema(example = -4.2)]
    pub yaw: f64,
    /// Nod; positive looks up.
    #[schema(example = 2.1)]
    pub pitch: f64,
    /// Tilt in the picture's plane; positive is clockwise.
    #[schema(example = 0.7)]
    pub roll: f64,
}

impl From<Pose> for PoseView {
    fn from(pose: Pose) -> Self {
        Self {
            yaw: round1(pose.yaw),
            pitch: round1(pose.pitch),
            roll: round1(pose.roll),
        }
    }
}

/// One face of a picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalysedFaceView {
    /// Where it is.
    pub r#box: BoxView,
    /// The detector's confidence, 0 to 1.
    #[schema(example = 0.998)]
    pub confidence: f64,
    /// Eyes, nose and mouth.
    pub landmarks: LandmarksView,
    /// How well it can be compared.
    pub quality: QualityView,
}

impl From<Face> for AnalysedFaceView {
    fn from(face: Face) -> Self {
        Self {
            r#box: face.bounding_box.into(),
            confidence: round3(face.confidence.into()),
            landmarks: face.landmarks.into(),
            quality: FaceQuality::of(&face).into(),
        }
    }
}

/// Size of the upright picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct SizeView {
    /// Pixels from left to right.
    #[schema(example = 1200)]
    pub width: u32,
    /// Pixels from top to bottom.
    #[schema(example = 1600)]
    pub height: u32,
}

/// Every face of a picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct DetectionView {
    /// Size of the upright picture, which the boxes and points are in.
    pub image: SizeView,
    /// The faces, largest first; empty where there is none.
    pub faces: Vec<AnalysedFaceView>,
}

impl From<Analysis> for DetectionView {
    fn from(analysis: Analysis) -> Self {
        Self {
            image: SizeView {
                width: analysis.width,
                height: analysis.height,
            },
            faces: analysis.faces.into_iter().map(Into::into).collect(),
        }
    }
}

/// One face of a target, compared with the source.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedFaceView {
    /// The face.
    pub face: AnalysedFaceView,
    /// `pass` at or above the approve threshold, `review` at or above the review threshold, `fail` below.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// Cosine similarity, -1 to 1.
    #[schema(example = 0.612)]
    pub similarity: f64,
    /// How often two different people look at least this alike; 1e-9 stands for that and less.
    #[schema(example = 1e-6)]
    pub fmr_estimate: f64,
    /// True where that lies beyond the calibration data.
    pub extrapolated: bool,
}

impl From<TargetComparison> for ComparedFaceView {
    fn from(comparison: TargetComparison) -> Self {
        Self {
            face: comparison.face.into(),
            result: comparison.result,
            similarity: round3(comparison.similarity.into()),
            fmr_estimate: told_fmr(comparison.fmr),
            extrapolated: comparison.fmr.extrapolated,
        }
    }
}

/// One target picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct TargetView {
    /// Its faces, largest first; empty where none was found.
    pub faces: Vec<ComparedFaceView>,
}

/// One source face against every face of every target.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparisonView {
    /// The face of the source.
    pub source: AnalysedFaceView,
    /// The targets, in the order they were sent.
    pub targets: Vec<TargetView>,
    /// What the similarities were held to.
    pub thresholds: ThresholdsView,
}

impl From<Comparison> for ComparisonView {
    fn from(comparison: Comparison) -> Self {
        let target = |faces: Vec<TargetComparison>| TargetView {
            faces: faces.into_iter().map(Into::into).collect(),
        };
        Self {
            source: comparison.source.into(),
            targets: comparison.targets.into_iter().map(target).collect(),
            thresholds: ThresholdsView::new(comparison.approve, comparison.review),
        }
    }
}
