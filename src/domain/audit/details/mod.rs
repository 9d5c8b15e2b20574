//! What is told of each action. A field that is not here is not in the log.

mod answers;
mod galleries;
mod lifecycle;
mod liveness;
mod model_changes;

use uuid::Uuid;

pub use answers::{
    FacesCompared, FoundSubject, ListSearch, LivenessOutcome, MatchOutcome, VerificationCreated,
    VerificationDeleted, WatchlistSearched,
};
pub use galleries::{
    EnrolledFaces, FaceDeleted, FaceEnrolled, ImportCreated, ImportedRow, JobCancelled,
    SubjectChanged, SubjectDeleted, SubjectEnrolled, SubjectReplaced, WatchlistChanged,
    WatchlistCreated, WatchlistDeleted,
};
pub use lifecycle::{
    ErasureCreated, ImagesReencrypted, RecordsSwept, RetentionChanged, VerificationReviewed,
    WatchlistRekeyed,
};
pub use liveness::{
    LivenessSessionCreated, LivenessSessionFailed, LivenessSessionPassed, LivenessSessionUsed,
};

pub use model_changes::{ListMove, ModelChangeEnded, ModelChangeStarted, ModelChangeSwitched};

/// What an event is about.
pub(super) trait Detail {
    /// The record that something was done to; of a face, its person.
    fn resource_id(&self) -> Option<Uuid>;
}

/// Says which field names the record.
macro_rules! about {
    ($($detail:ident => $($field:tt).+;)*) => {
        $(
            impl Detail for $detail {
                fn resource_id(&self) -> Option<Uuid> {
                    Some(self.$($field).+.as_uuid())
                }
            }
        )*
    };
}
use about;
