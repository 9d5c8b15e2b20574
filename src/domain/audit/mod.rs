//! What the audit log says: who did what to which record, by which rules, and what came of it.
//!
//! An [`AuditEvent`] is one of a closed list, and what it tells is spelled out field by field in `details`. So nothing
//! gets into the log by accident: never a face, a template, a score, a token, a name, metadata, a file name or a
//! caller's own key. People and records are named by their ids.

mod details;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use details::Detail as _;
pub use details::{
    EnrolledFaces, ErasureCreated, FaceDeleted, FaceEnrolled, FacesCompared, FoundSubject,
    ImagesReencrypted, ImportCreated, ImportedRow, JobCancelled, ListMove, ListSearch,
    LivenessOutcome, LivenessSessionCreated, LivenessSessionFailed, LivenessSessionPassed,
    LivenessSessionUsed, MatchOutcome, ModelChangeEnded, ModelChangeStarted, ModelChangeSwitched,
    RecordsSwept, RetentionChanged, SubjectChanged, SubjectDeleted, SubjectEnrolled,
    SubjectReplaced, VerificationCreated, VerificationDeleted, VerificationReviewed,
    WatchlistChanged, WatchlistCreated, WatchlistDeleted, WatchlistRekeyed, WatchlistSearched,
};

use super::ids::TenantId;

/// Who acts, for whom, and in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Whose records are acted on.
    pub tenant: TenantId,
    /// The `sub` of the token.
    pub subject: String,
    /// The request's id, as its answer and its log lines have it.
    pub request_id: String,
}

macro_rules! audit_events {
    ($($(#[$doc:meta])* $event:ident = $name:literal,)*) => {
        /// What was done: the resource and a past participle.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum AuditAction {
            $($(#[$doc])* #[serde(rename = $name)] $event,)*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$event,)*];

            /// The action as it is stored and shown.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$event => $name,)*
                }
            }
        }

        /// One thing that was done, with everything that the log tells of it.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AuditEvent {
            $($(#[$doc])* $event(details::$event),)*
        }

        impl AuditEvent {
            /// What was done.
            #[must_use]
            pub fn action(&self) -> AuditAction {
                match self {
                    $(Self::$event(_) => AuditAction::$event,)*
                }
            }

            /// The record that it was done to; of a face, its person.
            #[must_use]
            pub fn resource_id(&self) -> Option<Uuid> {
                match self {
                    $(Self::$event(detail) => detail.resource_id(),)*
                }
            }

            /// What there is to tell, as an object.
            ///
            /// # Errors
            /// None for the details that there are.
            pub fn detail(&self) -> serde_json::Result<Value> {
                match self {
                    $(Self::$event(detail) => serde_json::to_value(detail),)*
                }
            }
        }

        $(
            impl From<details::$event> for AuditEvent {
                fn from(detail: details::$event) -> Self {
                    Self::$event(detail)
                }
            }
        )*
    };
}

audit_events! {
    /// An identity was checked, and the answer kept.
    VerificationCreated = "verification.created",
    /// The answer of an identity check was erased.
    VerificationDeleted = "verification.deleted",
    /// A list was made.
    WatchlistCreated = "watchlist.created",
    /// A list's name or rules were changed.
    WatchlistChanged = "watchlist.changed",
    /// A list was deleted with everybody on it.
    WatchlistDeleted = "watchlist.deleted",
    /// A list was searched for somebody.
    WatchlistSearched = "watchlist.searched",
    /// A person was put on a list.
    SubjectEnrolled = "subject.enrolled",
    /// What is known of a person was replaced, and their faces where pictures came along.
    SubjectReplaced = "subject.replaced",
    /// Some of what is known of a person was changed.
    SubjectChanged = "subject.changed",
    /// A person was taken off a list with all of their faces.
    SubjectDeleted = "subject.deleted",
    /// Faces were added to a person who was on the list.
    FaceEnrolled = "face.enrolled",
    /// A face of a person was removed.
    FaceDeleted = "face.deleted",
    /// A bulk import was taken in.
    ImportCreated = "import.created",
    /// A bulk import was ended before its time.
    JobCancelled = "job.cancelled",
    /// Faces of pictures were compared; nothing was kept.
    FacesCompared = "faces.compared",
    /// A human decided about an identity check.
    VerificationReviewed = "verification.reviewed",
    /// A person was erased.
    ErasureCreated = "erasure.created",
    /// It was chosen anew how long records are kept.
    RetentionChanged = "retention.changed",
    /// Records whose time was over were deleted.
    RecordsSwept = "records.swept",
    /// A challenge before a camera began.
    LivenessSessionCreated = "liveness_session.created",
    /// A person did everything that the challenge asked for.
    LivenessSessionPassed = "liveness_session.passed",
    /// A challenge ended otherwise.
    LivenessSessionFailed = "liveness_session.failed",
    /// A verification rests on the challenge.
    LivenessSessionUsed = "liveness_session.used",
    /// The templates of a list were rewritten under another secret.
    WatchlistRekeyed = "watchlist.rekeyed",
    /// A list is to be moved to another embedder.
    ModelChangeStarted = "model_change.started",
    /// A list got into another embedder.
    ModelChangeSwitched = "model_change.switched",
    /// The way back is closed, or was taken, or the list stays in the embedder that it was in.
    ModelChangeEnded = "model_change.ended",
    /// The kept pictures of enrolled faces were encrypted under another secret.
    ImagesReencrypted = "images.reencrypted",
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// Its number in the tenant's chain, from 1 without gaps.
    pub sequence: u64,
    /// When it was appended.
    pub created_at: OffsetDateTime,
    /// What was done; the name of an [`AuditAction`], of this version or another.
    pub action: String,
    /// Who did it.
    pub subject: String,
    /// In which request.
    pub request_id: String,
    /// The record that it was done to.
    pub resource_id: Option<Uuid>,
    /// What there is to tell.
    pub detail: Value,
    /// The hash of the event before; zeros for the first.
    pub previous_hash: Vec<u8>,
    /// The hash of this event.
    pub hash: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_actions_change_only_on_purpose() {
        let names: Vec<&str> = AuditAction::ALL
            .iter()
            .map(|action| action.name())
            .collect();
        assert_eq!(
            names,
            [
                "verification.created",
                "verification.deleted",
                "watchlist.created",
                "watchlist.changed",
                "watchlist.deleted",
                "watchlist.searched",
                "subject.enrolled",
                "subject.replaced",
                "subject.changed",
                "subject.deleted",
                "face.enrolled",
                "face.deleted",
                "import.created",
                "job.cancelled",
                "faces.compared",
                "verification.reviewed",
                "erasure.created",
                "retention.changed",
                "records.swept",
                "liveness_session.created",
                "liveness_session.passed",
                "liveness_session.failed",
                "liveness_session.used",
                "watchlist.rekeyed",
                "model_change.started",
                "model_change.switched",
                "model_change.ended",
                "images.reencrypted",
            ]
        );
        for action in AuditAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
    }
}
