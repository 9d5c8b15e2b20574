//! Signs that something was put into a document.

use serde::Serialize;
use utoipa::ToSchema;

use super::round3;
use crate::domain::cues::{Cue, CueKind};

/// One sign that something was put in: a cue for whoever looks at the document, and no verdict. It decides nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct CueView {
    /// `mrz_character`: how much worse than its neighbours the worst letter or digit fits its shape in OCR-B, the font
    /// that ICAO Doc 9303 prescribes, as a correlation. `mrz_alignment`: how far three neighbours stand above or below
    /// their line, in widths of a character.
    #[schema(value_type = String, example = "mrz_character")]
    pub cue: CueKind,
    /// True where the value is above the bound.
    pub noticed: bool,
    /// What was measured.
    #[schema(example = 0.031)]
    pub value: f64,
    /// The bound: values above it are noticed.
    #[schema(example = 0.13)]
    pub bound: f64,
    /// How it errs, measured on written zones that were spoiled as cameras, scanners and senders do.
    pub error: CueErrorView,
}

/// How a cue errs.
#[derive(Debug, Serialize, ToSchema)]
pub struct CueErrorView {
    /// Share of genuine zones in which it notices something.
    #[schema(example = 0.071)]
    pub false_alarms: f64,
    /// Share of zones with what it looks for in which it notices nothing.
    #[schema(example = 0.507)]
    pub misses: f64,
}

impl From<&Cue> for CueView {
    fn from(cue: &Cue) -> Self {
        let error = cue.kind.error();
        Self {
            cue: cue.kind,
            noticed: cue.noticed(),
            value: round3(cue.value.into()),
            bound: round3(cue.kind.bound().into()),
            error: CueErrorView {
                false_alarms: error.false_alarms,
                misses: error.misses,
            },
        }
    }
}
