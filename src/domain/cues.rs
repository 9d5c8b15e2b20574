//! Signs that something was put into a document: cues for whoever looks at it, and no verdicts.
//!
//! Each has a bound and the shares of genuine and of forged zones above it, as measured. A zone that shows none may be
//! forged all the same: whoever sets a whole zone anew in the right font leaves nothing to see. How well a zone fits OCR-B
//! is no cue: below a bound that 3 in 100 genuine ones are below, there were only 4 in 100 of those set in another font.

use serde::{Deserialize, Serialize};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CueKind {
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
    pub const ALL: [Self; 2] = [Self::MrzCharacter, Self::MrzAlignment];

    /// How it errs; see `tests/documents/forged.rs`.
    #[must_use]
    pub fn error(self) -> CueError {
        let (false_alarms, misses) = match self {
            Self::MrzCharacter => (0.071, 0.507),
            Self::MrzAlignment => (0.060, 0.103),
        };
        CueError {
            false_alarms,
            misses,
        }
    }

    /// Values above it are noticed.
    #[must_use]
    pub fn bound(self) -> f32 {
        match self {
            Self::MrzCharacter => 0.13,
            Self::MrzAlignment => 0.045,
        }
    }

    /// Whether a value is above the bound.
    #[must_use]
    pub fn notices(self, value: f32) -> bool {
        value > self.bound()
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
    /// Whether it is above its bound.
    #[must_use]
    pub fn noticed(&self) -> bool {
        self.kind.notices(self.value)
    }
}
