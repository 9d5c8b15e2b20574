//! Signs that something was put into a document: cues for whoever looks at it, and no verdicts.
//!
//! Each has a bound and the shares of genuine and of forged zones beyond it, as measured. A zone that shows none may be
//! forged all the same: whoever sets a whole zone anew in the right font leaves nothing to see.

use serde::{Deserialize, Serialize};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CueKind {
    /// The zone is set in another font than OCR-B, which ICAO Doc 9303 prescribes.
    MrzFont,
    /// One of the zone's characters looks unlike itself in the font of the others.
    MrzCharacter,
    /// Neighbouring characters of the zone stand above or below their line.
    MrzAlignment,
}

/// How a cue was found to err, on rendered zones: with nothing put in, and with what it looks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CueError {
    /// Share of genuine zones in which it notices something.
    pub false_alarms: f64,
    /// Share of forged zones in which it notices nothing.
    pub misses: f64,
}

impl CueKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MrzFont, Self::MrzCharacter, Self::MrzAlignment];

    /// How it errs; see `tests/documents/forged.rs`.
    #[must_use]
    pub fn error(self) -> CueError {
        let (false_alarms, misses) = match self {
            Self::MrzFont => (0.0, 0.0),
            Self::MrzCharacter => (0.0, 0.0),
            Self::MrzAlignment => (0.0, 0.0),
        };
        CueError {
            false_alarms,
            misses,
        }
    }

    /// Values beyond it are noticed; those of the font below it.
    #[must_use]
    pub fn bound(self) -> f32 {
        match self {
            Self::MrzFont => 0.84,
            Self::MrzCharacter => 0.13,
            Self::MrzAlignment => 0.045,
        }
    }

    /// Whether a value is beyond the bound.
    #[must_use]
    pub fn notices(self, value: f32) -> bool {
        match self {
            Self::MrzFont => value < self.bound(),
            Self::MrzCharacter | Self::MrzAlignment => value > self.bound(),
        }
    }
}

/// One sign, as it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// What was looked at.
    pub kind: CueKind,
    /// Its value.
    pub value: f32,
}

impl Cue {
    /// Whether it is beyond its bound.
    #[must_use]
    pub fn noticed(&self) -> bool {
        self.kind.notices(self.value)
    }
}
