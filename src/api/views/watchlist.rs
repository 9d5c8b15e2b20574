//! Watchlists and what a search finds.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::round3;
use crate::domain::duplicate::OnDuplicate;
use crate::domain::watchlist::{Band, Hit, SearchMethod, SearchOutcome, Watchlist, WatchlistKind};

/// A gallery of subjects.
#[derive(Debug, Serialize, ToSchema)]
pub struct WatchlistView {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within the tenant.
    #[schema(example = "Known fraudsters")]
    pub name: String,
    /// `block`: a hit declines; `alert`: a hit asks for a human; `allow`: a hit is only reported.
    #[schema(value_type = String, example = "alert")]
    pub kind: WatchlistKind,
    /// Share of searches of people who are not on the list that may raise a false alarm.
    #[schema(example = 0.01)]
    pub target_fpir: f64,
    /// What becomes of a new face that is found to be on the list already: `report`, `reject` or `add_to_subject`.
    #[schema(value_type = String, example = "report")]
    pub on_duplicate: OnDuplicate,
    /// True where the pictures of its faces are kept, encrypted. Each face says of itself whether its picture is.
    #[schema(example = false)]
    pub keep_images: bool,
    /// People on it.
    #[schema(example = 1200)]
    pub subjects: u64,
    /// Their enrolled faces.
    #[schema(example = 1950)]
    pub faces: u64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<Watchlist> for WatchlistView {
    fn from(list: Watchlist) -> Self {
        Self {
            id: list.id.as_uuid(),
            name: list.name,
            kind: list.kind,
            target_fpir: list.target_fpir,
            on_duplicate: list.on_duplicate,
            keep_images: list.keep_images,
            subjects: list.subjects,
            faces: list.faces,
            created_at: list.created_at,
        }
    }
}

/// Somebody at or above a list's threshold.
#[derive(Debug, Serialize, ToSchema)]
pub struct HitView {
    /// The list they are on.
    pub watchlist_id: Uuid,
    /// Who it is.
    pub subject_id: Uuid,
    /// The caller's own key for them.
    #[schema(example = "case-4711")]
    pub external_id: Option<String>,
    /// Name to show.
    #[schema(example = "J. Doe")]
    pub display_name: Option<String>,
    /// Cosine similarity of their nearest face.
    #[schema(example = 0.71)]
    pub similarity: f64,
    /// `hit`: at or above the list's threshold; `review`: below it, and alike enough for a human to look.
    #[schema(value_type = String, example = "hit")]
    pub band: Band,
    /// Strangers that a search of this list is expected to bring up at this similarity: its faces times the false
    /// match rate. Null in verifications from before it was told.
    #[schema(example = 0.0004)]
    pub expected_false_alarms: Option<f64>,
    /// True where that rate lies beyond the calibration data.
    pub extrapolated: bool,
}

impl From<Hit> for HitView {
    fn from(hit: Hit) -> Self {
        let alarms = hit.expected_false_alarms;
        Self {
            watchlist_id: hit.watchlist_id.as_uuid(),
            subject_id: hit.subject_id.as_uuid(),
            external_id: hit.external_id,
            display_name: hit.display_name,
            similarity: round3(hit.similarity.into()),
            band: hit.band,
            expected_false_alarms: alarms.map(|alarms| round3(alarms.count)),
            extrapolated: alarms.is_some_and(|alarms| alarms.extrapolated),
        }
    }
}

/// How a list was searched.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchedView {
    /// The list.
    pub watchlist_id: Uuid,
    /// The embedder that its templates are of; not in answers from before lists had one of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "fr_feature-87aacdfe")]
    pub embedder: Option<String>,
    /// Faces in it at the time.
    #[schema(example = 10000)]
    pub size: u64,
    /// `exact`: every face was compared; `coarse_rerank`: a pass over one-bit codes of all of them picked those that
    /// were compared.
    #[schema(value_type = String, example = "exact")]
    pub method: SearchMethod,
    /// Faces that were compared exactly.
    #[schema(example = 10000)]
    pub candidates: u64,
    /// The rate of false alarms that the threshold holds to.
    #[schema(example = 0.01)]
    pub target_fpir: f64,
    /// The similarity from which on a subject is a hit, for a list of this size.
    #[schema(example = 0.58)]
    pub threshold: f64,
    /// The similarity from which on a subject is in the review band, where ten times the target would be met.
    #[schema(example = 0.52)]
    pub review_threshold: Option<f64>,
    /// The false match rate of one comparison at the threshold of a hit.
    #[schema(example = 1e-6)]
    pub target_fmr: f64,
    /// True where that rate lies beyond the calibration data.
    pub extrapolated: bool,
}

impl From<&SearchOutcome> for SearchedView {
    fn from(search: &SearchOutcome) -> Self {
        Self {
            watchlist_id: search.watchlist_id.as_uuid(),
            embedder: search.embedder.clone(),
            size: search.size,
            method: search.method,
            candidates: match search.method {
                SearchMethod::Exact => search.size,
                SearchMethod::CoarseRerank => search.candidates,
            },
            target_fpir: search.target_fpir,
            threshold: round3(search.threshold.similarity),
            review_threshold: search.review.map(|review| round3(review.similarity)),
            target_fmr: round3(search.threshold.target_fmr),
            extrapolated: search.threshold.extrapolated,
        }
    }
}

/// The answer of a search.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchView {
    /// How the list was searched.
    pub searched: SearchedView,
    /// Everybody at or above the lower threshold, most alike first; `band` tells which they reach.
    pub hits: Vec<HitView>,
}

impl From<SearchOutcome> for SearchView {
    fn from(search: SearchOutcome) -> Self {
        let searched = SearchedView::from(&search);
        Self {
            searched,
            hits: search.hits.into_iter().map(Into::into).collect(),
        }
    }
}
