//! What the picture of a row came to.

use crate::domain::job::{RowCode, RowFault};
use crate::verify::{Candidate, VerifyError};
use crate::vision::VisionError;

/// How often the models may fail on a picture before its row is refused.
const MAX_ATTEMPTS: u32 = 2;

/// What looking at a row's picture came to.
pub(super) enum Finding {
    Face(Box<Candidate>),
    Refused(RowFault),
    /// The models failed, and it may be the picture's doing.
    Suspect,
    /// It was not looked at: that is nobody's fault.
    Skipped,
}

impl Finding {
    /// What a failure says about the row.
    pub(super) fn of(error: VerifyError, attempts: u32) -> Self {
        let refused = |code, message: &str| Finding::Refused(RowFault::new(code, message));
        match error {
            VerifyError::NoFace { .. } => {
                refused(RowCode::NoFace, "no face was found in this picture")
            }
            VerifyError::MultipleFaces { count, .. } => {
                let message = format!("{count} faces were found; exactly one is wanted");
                refused(RowCode::MultipleFaces, &message)
            }
            VerifyError::Vision { source, .. } => match source {
                VisionError::UnsupportedImage => refused(
                    RowCode::UnsupportedImage,
                    "the picture is not a JPEG, PNG or WebP",
                ),
                VisionError::CorruptImage => {
                    refused(RowCode::CorruptImage, "the picture is broken")
                }
                VisionError::ImageTooLarge { .. } => {
                    refused(RowCode::ImageTooLarge, "the picture has too many pixels")
                }
                VisionError::Overloaded => Finding::Skipped,
                error @ (VisionError::DeadlineExceeded
                | VisionError::WorkerLost
                | VisionError::Inference(_)) => {
                    tracing::warn!(%error, attempts, "a picture of an import was not analysed");
                    if attempts + 1 < MAX_ATTEMPTS {
                        Finding::Suspect
                    } else {
                        refused(RowCode::Internal, "the models failed on this picture")
                    }
                }
            },
            VerifyError::QualityTooLow(poor) => {
                let shortfalls = poor.iter().flat_map(|picture| &picture.shortfalls);
                let words: Vec<_> = shortfalls.map(ToString::to_string).collect();
                refused(RowCode::QualityTooLow, &words.join(", "))
            }
            VerifyError::NotFound
            | VerifyError::ConsentRequired
            | VerifyError::TooManyAttempts { .. }
            | VerifyError::DuplicateSubject(_)
            | VerifyError::NoSuchWatchlist(_)
            | VerifyError::AnotherEmbedder(_)
            | VerifyError::UnusableModel(_)
            | VerifyError::ModelChange(_)
            | VerifyError::TemplatesMissing(_)
            | VerifyError::NoModelChange
            | VerifyError::NoSuchSession
            | VerifyError::SessionNotPassed
            | VerifyError::SessionUsed
            | VerifyError::ModelsDiffer
            | VerifyError::Store(_) => Finding::Skipped,
        }
    }
}
