//! Watchlists: galleries of subjects, and what a search of one finds.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::calibration::Threshold;
use super::ids::{FaceId, SubjectId, WatchlistId};

/// Longest `external_id`, in characters.
pub const MAX_EXTERNAL_ID_CHARS: u64 = 128;
/// Longest name of a list or a subject, in characters.
pub const MAX_NAME_CHARS: u64 = 200;
/// Largest `metadata`, in bytes of JSON.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;

/// What a hit on the list means for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchlistKind {
    /// A hit declines.
    Block,
    /// A hit asks for a human.
    Alert,
    /// A hit is reported and changes nothing.
    Allow,
}

/// A gallery and its policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Watchlist {
    /// Its id.
    pub id: WatchlistId,
    /// Its name, unique within the tenant.
    pub name: String,
    /// What a hit means.
    pub kind: WatchlistKind,
    /// Share of searches of people who are not on the list that may raise a false alarm, above 0 and up to 1.
    pub target_fpir: f64,
    /// Subjects enrolled.
    pub subjects: u64,
    /// Faces enrolled.
    pub faces: u64,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A person on a watchlist.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Its id.
    pub id: SubjectId,
    /// The list it is on.
    pub watchlist_id: WatchlistId,
    /// The caller's own key, unique within the list.
    pub external_id: Option<String>,
    /// Name shown with a hit.
    pub display_name: Option<String>,
    /// The caller's own data, a JSON object.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// From this instant on the subject is no longer found.
    pub valid_until: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Its enrolled faces, oldest first.
    pub faces: Vec<EnrolledFace>,
}

/// A face of a subject; its template stays in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrolledFace {
    /// Its id.
    pub id: FaceId,
    /// The embedder that made its template.
    pub model_id: String,
    /// When it was enrolled.
    pub created_at: OffsetDateTime,
}

/// A subject at or above the threshold of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The list searched.
    pub watchlist_id: WatchlistId,
    /// Who was found.
    pub subject_id: SubjectId,
    /// The caller's own key for them.
    pub external_id: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
    /// Cosine similarity of the subject's nearest face.
    pub similarity: f32,
}

/// What a search of one watchlist compared and found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchOutcome {
    /// The list searched.
    pub watchlist_id: WatchlistId,
    /// What a hit on it means.
    pub kind: WatchlistKind,
    /// Faces in the gallery at the time of the search, every one of them compared.
    pub size: u64,
    /// The false positive identification rate that the threshold holds to.
    pub target_fpir: f64,
    /// The threshold for a gallery of that size.
    pub threshold: Threshold,
    /// Subjects at or above it, best first.
    pub hits: Vec<Hit>,
}
