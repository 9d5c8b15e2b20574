//! What was read on a document.

use serde::Serialize;
use utoipa::ToSchema;

use super::face::{BoxView, PointView, SizeView};
use super::quality::QualityView;
use super::verification::ReasonView;
use super::zone::{IssueView, MrzView};
use crate::domain::decision::{CheckResult, FaceQuality};
use crate::domain::document::{DocumentCheck, ExpectedOutcome, ZoneReading, ZoneSearch};
use crate::domain::face::{BoundingBox, Face};
use crate::domain::mrz::{Agreement, ExpectedField, Field};
use crate::domain::quality::Purpose;
use crate::verify::DocumentReading;

/// Where the portrait lies on the document.
#[derive(Debug, Serialize, ToSchema)]
pub struct PortraitView {
    /// The box of the face.
    pub r#box: BoxView,
}

impl From<BoundingBox> for PortraitView {
    fn from(portrait: BoundingBox) -> Self {
        Self {
            r#box: portrait.into(),
        }
    }
}

/// The portrait of a document that is only read.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundPortraitView {
    /// The box of the face.
    pub r#box: BoxView,
    /// How well it could be compared, held to what a verification asks of a portrait. Its `score` is null: no template is
    /// made of a document that is only read.
    pub quality: QualityView,
}

impl From<Face> for FoundPortraitView {
    fn from(face: Face) -> Self {
        Self {
            r#box: face.bounding_box.into(),
            quality: QualityView::new(&FaceQuality::of(&face), Purpose::Portrait),
        }
    }
}

/// What nobody looked at, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotCheckedView {
    /// The chip of an electronic document.
    pub chip: &'static str,
    /// Holograms and other features that change with the angle.
    pub hologram: &'static str,
    /// How the document is printed.
    pub print: &'static str,
    /// Signs that a picture was exchanged or edited.
    pub tampering: &'static str,
}

impl NotCheckedView {
    const ALL: Self = Self {
        chip: "not_evaluated: a picture does not reach it",
        hologram: "not_evaluated: a single picture does not show it",
        print: "not_evaluated: no reference of genuine documents is held",
        tampering: "not_evaluated: beside the cues of the zone's print, no sign of it was found to tell genuine documents apart",
    };
}

/// The other side of the document.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackView {
    /// `pass` where its zone holds together, by itself and with that of `document`; `review` where it does not;
    /// `not_evaluated` where none was read.
    #[schema(value_type = String, example = "not_evaluated")]
    pub result: CheckResult,
    /// Why it was not evaluated, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What does not hold together in its zone; left out where all does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<IssueView>,
    /// Fields that the zones of the two sides give differently; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["document_number"]))]
    pub differing: Vec<Field>,
}

impl From<&DocumentCheck> for BackView {
    fn from(check: &DocumentCheck) -> Self {
        let search = &check.sides.back;
        let differing = check.differing.clone();
        let zone = search.reading();
        let issues = zone.map_or_else(Vec::new, |zone| {
            zone.mrz.issues.iter().map(Into::into).collect()
        });
        Self {
            result: match zone {
                None => CheckResult::NotEvaluated,
                Some(_) if !differing.is_empty() => CheckResult::Review,
                Some(zone) => zone.result(),
            },
            issues,
            differing,
            reason: match search {
                ZoneSearch::Read(_) => None,
                ZoneSearch::NotFound => Some("no machine-readable zone was found on it"),
                ZoneSearch::SwitchedOff => Some("this service is set not to read documents"),
                ZoneSearch::NotSent => Some("no document_back was sent"),
            },
        }
    }
}

/// One field that was expected.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpectedFieldView {
    /// Which.
    #[schema(value_type = String, example = "date_of_birth")]
    pub field: ExpectedField,
    /// `match`, `mismatch`, or `not_evaluated` where the zone leaves it open or cannot spell what is expected.
    #[schema(value_type = String, example = "match")]
    pub result: Agreement,
}

impl From<ExpectedOutcome> for ExpectedFieldView {
    fn from(outcome: ExpectedOutcome) -> Self {
        Self {
            field: outcome.field,
            result: outcome.agreement,
        }
    }
}

/// What was expected, compared with the zone.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpectedView {
    /// `pass`, `review` where a field does not agree, or `not_evaluated`.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// Why it was not evaluated, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Each field that was expected.
    pub fields: Vec<ExpectedFieldView>,
}

impl From<&DocumentCheck> for ExpectedView {
    fn from(check: &DocumentCheck) -> Self {
        let mismatch = |outcome: &ExpectedOutcome| outcome.agreement == Agreement::Mismatch;
        let reason = if !check.anything_expected {
            Some("nothing was expected")
        } else if check.sides.zone().is_none() {
            Some("without a machine-readable zone there is nothing to compare with")
        } else {
            None
        };
        Self {
            result: if reason.is_some() {
                CheckResult::NotEvaluated
            } else if check.expected.iter().any(mismatch) {
                CheckResult::Review
            } else {
                CheckResult::Pass
            },
            reason,
            fields: check.expected.iter().copied().map(Into::into).collect(),
        }
    }
}

/// Whether the document holds together.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentCheckView {
    /// `pass` where its machine-readable zone holds together, `review` where it does not, `not_evaluated` without one.
    /// It never declines.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// What the result rests on.
    pub reason: &'static str,
    /// The portrait that the selfie was compared with.
    pub portrait: PortraitView,
    /// The machine-readable zone.
    pub mrz: MrzView,
    /// The picture in `document_back`.
    pub back: BackView,
    /// The fields in `expected`.
    pub expected: ExpectedView,
    /// What was not looked at.
    pub not_evaluated: NotCheckedView,
}

impl DocumentCheckView {
    pub(super) fn new(portrait: BoundingBox, check: Option<DocumentCheck>) -> Self {
        let earlier = || DocumentCheck {
            result: CheckResult::NotEvaluated,
            sides: crate::domain::document::Sides {
                front: ZoneSearch::SwitchedOff,
                back: ZoneSearch::SwitchedOff,
            },
            differing: Vec::new(),
            anything_expected: false,
            expected: Vec::new(),
        };
        let check = check.unwrap_or_else(earlier);
        Self {
            result: check.result,
            reason: basis(&check),
            portrait: portrait.into(),
            mrz: MrzView::from(&check),
            back: (&check).into(),
            expected: (&check).into(),
            not_evaluated: NotCheckedView::ALL,
        }
    }
}

fn basis(check: &DocumentCheck) -> &'static str {
    if check.sides.zone().is_some() {
        "the machine-readable zone was read and checked against itself; print, hologram and chip were not looked at"
    } else {
        "no machine-readable zone was read; print, hologram and chip are not looked at"
    }
}

/// Where the zone lies.
#[derive(Debug, Serialize, ToSchema)]
pub struct ZonePlaceView {
    /// Top left, top right, bottom right and bottom left of its text, in pixels of the upright picture.
    #[schema(example = json!([[80.0, 790.0], [1390.0, 790.0], [1390.0, 940.0], [80.0, 940.0]]))]
    pub corners: [PointView; 4],
    /// How far its lines are turned, clockwise, in degrees.
    #[schema(example = 1.4)]
    pub turn_degrees: f64,
    /// Mean probability of its characters, by the reader's own account.
    #[schema(example = 0.98)]
    pub confidence: f64,
}

impl From<&ZoneReading> for ZonePlaceView {
    fn from(reading: &ZoneReading) -> Self {
        Self {
            corners: reading.corners.map(Into::into),
            turn_degrees: super::round1(reading.turn_degrees),
            confidence: super::round3(reading.confidence.into()),
        }
    }
}

/// What was read on a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentReadingView {
    /// `pass`, `review` or `not_evaluated`, as in a verification.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// What does not hold together; empty where all that was read does.
    pub reasons: Vec<ReasonView>,
    /// Size of the upright picture in `document`.
    pub image: SizeView,
    /// The largest face of `document`, or null where none was found.
    pub portrait: Option<FoundPortraitView>,
    /// The machine-readable zone.
    pub mrz: MrzView,
    /// The picture in `document_back`.
    pub back: BackView,
    /// The fields in `expected`.
    pub expected: ExpectedView,
    /// What was not looked at.
    pub not_evaluated: NotCheckedView,
}

impl From<DocumentReading> for DocumentReadingView {
    fn from(reading: DocumentReading) -> Self {
        Self {
            result: reading.check.result,
            reasons: reading.reasons.into_iter().map(Into::into).collect(),
            image: SizeView {
                width: reading.size.0,
                height: reading.size.1,
            },
            portrait: reading.portrait.map(Into::into),
            mrz: (&reading.check).into(),
            back: (&reading.check).into(),
            expected: (&reading.check).into(),
            not_evaluated: NotCheckedView::ALL,
        }
    }
}
