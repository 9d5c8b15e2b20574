//! What answers look like. A view never holds a template, a picture or a token.

mod audit;
mod consent;
mod cue;
mod document;
mod erasure;
mod face;
mod job;
mod liveness;
mod liveness_session;
mod model;
mod model_change;
mod quality;
mod review;
mod subject;
mod verification;
mod watchlist;
mod zone;

use crate::domain::calibration::FmrEstimate;
use crate::domain::digits::round3;
use crate::domain::policy::MIN_TARGET_FMR;

pub use audit::AuditEventView;
pub use document::DocumentReadingView;
pub use erasure::{ErasureView, ReceiptView};
pub use face::{ComparisonView, DetectionView};
pub use job::{JobRowView, JobView};
pub use liveness_session::{FrameJudgedView, LivenessSessionView, NewLivenessSessionView};
pub use model::{KnownModelView, ModelListView};
pub use model_change::{ModelChangeView, SubjectToEnrolView};
pub use subject::{DuplicateView, EnrolledFaceView, EnrolmentView, FaceEnrolmentView, SubjectView};
pub use verification::VerificationView;
pub use watchlist::{SearchView, WatchlistView};

/// An estimated false match rate, but never a smaller one than may be asked for: no data support such a claim.
fn told_fmr(estimate: FmrEstimate) -> f64 {
    round3(estimate.fmr.max(MIN_TARGET_FMR))
}

/// Rounds a measure in pixels or degrees to one decimal.
fn round1(value: f32) -> f64 {
    (f64::from(value) * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_told_to_one_decimal() {
        assert_eq!(round1(12.345), 12.3);
    }
}
