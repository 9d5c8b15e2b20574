//! Watchlists: galleries of subjects, and what a search of one finds.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::calibration::{Calibration, Threshold};
use super::consent::Consent;
use super::duplicate::OnDuplicate;
use super::ids::{FaceId, SubjectId, WatchlistId};
use super::metadata::Metadata;
use super::policy::{REVIEW_FPIR_FACTOR, fmr_for_fpir};

/// Longest `external_id`, in characters.
pub const MAX_EXTERNAL_ID_CHARS: u64 = 128;
/// Longest name of a list or a subject, in characters.
pub const MAX_NAME_CHARS: u64 = 200;

/// What a hit on the list means for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchlistKind {
    /// A hit declines, a subject in the review band asks for a human.
    Block,
    /// A hit asks for a human, a subject in the review band is reported.
    Alert,
    /// Either is reported and changes nothing.
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
    /// What becomes of a face that is on it already.
    pub on_duplicate: OnDuplicate,
    /// The pictures of faces that are enrolled now are kept.
    pub keep_images: bool,
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
    pub metadata: Metadata,
    /// On what the person agreed to, where the caller said so.
    pub consent: Option<Consent>,
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
    /// Its picture is kept, too.
    pub image_kept: bool,
}

/// How the faces of a gallery were compared with a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchMethod {
    /// Every one of them exactly.
    #[default]
    Exact,
    /// A coarse pass over all picked those that were compared exactly.
    CoarseRerank,
}

/// A subject with a face like a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// Who it is.
    pub subject_id: SubjectId,
    /// The caller's own key for them.
    pub external_id: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
    /// Cosine similarity of the subject's nearest face.
    pub similarity: f32,
}

/// Where a similarity lies between the two thresholds of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// At or above the threshold that the list's target asks for.
    #[default]
    Hit,
    /// Below it, and at or above the one for [`REVIEW_FPIR_FACTOR`] times the target: a human may want to look.
    Review,
}

/// The thresholds of a search: they follow the number of faces that it compares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchThresholds {
    /// From here on a subject is a hit.
    pub hit: Threshold,
    /// From here on it is worth a look.
    pub review: Threshold,
}

impl SearchThresholds {
    /// What holds searches of a gallery of `size` faces to `target_fpir`; see [`fmr_for_fpir`].
    #[must_use]
    pub fn of(calibration: &Calibration, target_fpir: f64, size: u64) -> Self {
        let at = |fpir| calibration.threshold(fmr_for_fpir(fpir, size));
        Self {
            hit: at(target_fpir),
            review: at((target_fpir * REVIEW_FPIR_FACTOR).min(1.0)),
        }
    }

    /// Where a similarity lies; none below both.
    #[must_use]
    pub fn band(&self, similarity: f32) -> Option<Band> {
        let similarity = f64::from(similarity);
        if similarity >= self.hit.similarity {
            Some(Band::Hit)
        } else if similarity >= self.review.similarity {
            Some(Band::Review)
        } else {
            None
        }
    }
}

/// A subject at or above a threshold of a search.
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
    /// Which of the two thresholds it reaches.
    #[serde(default)]
    pub band: Band,
    /// How many strangers a search of this gallery is expected to bring up at this similarity or above.
    #[serde(default)]
    pub expected_false_alarms: Option<FalseAlarms>,
}

/// How many strangers a search is expected to bring up: the gallery's faces times the false match rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FalseAlarms {
    /// On average, a search.
    pub count: f64,
    /// The rate lies beyond the calibration data.
    pub extrapolated: bool,
}

impl FalseAlarms {
    /// Those of a search of `size` faces at a similarity.
    #[must_use]
    pub fn of(calibration: &Calibration, similarity: f32, size: u64) -> Self {
        let rate = calibration.fmr(similarity.into());
        Self {
            count: rate.fmr * size as f64,
            extrapolated: rate.extrapolated,
        }
    }
}

/// What a search of one watchlist compared and found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchOutcome {
    /// The list searched.
    pub watchlist_id: WatchlistId,
    /// What a hit on it means.
    pub kind: WatchlistKind,
    /// The embedder of its templates; none in records from before lists had one of their own.
    #[serde(default)]
    pub embedder: Option<String>,
    /// The revision of the gallery that was searched; 0 where it had never held a face.
    #[serde(default)]
    pub gallery_revision: u64,
    /// Faces in the gallery at the time of the search.
    pub size: u64,
    /// How they were compared.
    #[serde(default)]
    pub method: SearchMethod,
    /// Faces that were compared exactly; of an exact search all of them, whatever stands here.
    #[serde(default)]
    pub candidates: u64,
    /// The false positive identification rate that the threshold holds to.
    pub target_fpir: f64,
    /// The threshold of a hit, for a gallery of that size.
    pub threshold: Threshold,
    /// The threshold of the review band; none in records from before there was one.
    #[serde(default)]
    pub review: Option<Threshold>,
    /// Subjects at or above the lower of both, best first.
    pub hits: Vec<Hit>,
}

impl SearchOutcome {
    /// Whether somebody lies in a band.
    #[must_use]
    pub fn has(&self, band: Band) -> bool {
        self.hits.iter().any(|hit| hit.band == band)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_rise_with_the_gallery_and_the_review_band_lies_below_the_hits() {
        let calibration = Calibration::shipped();
        let mut before = f64::NEG_INFINITY;
        for size in [1, 100, 10_000, 1_000_000] {
            let thresholds = SearchThresholds::of(&calibration, 0.01, size);
            assert!(thresholds.hit.similarity > before, "{size}");
            assert!(
                thresholds.review.similarity < thresholds.hit.similarity,
                "{size}"
            );
            before = thresholds.hit.similarity;
        }
        assert!(
            SearchThresholds::of(&calibration, 0.01, 1_000_000)
                .hit
                .extrapolated
        );
    }

    #[test]
    fn a_similarity_lies_in_one_band_or_in_none() {
        let at = |similarity| Threshold {
            similarity,
            target_fmr: 1e-3,
            extrapolated: false,
        };
        let thresholds = SearchThresholds {
            hit: at(0.5),
            review: at(0.4),
        };
        assert_eq!(thresholds.band(0.5), Some(Band::Hit));
        assert_eq!(thresholds.band(0.45), Some(Band::Review));
        assert_eq!(thresholds.band(0.39), None);
        assert_eq!(thresholds.band(f32::NAN), None);
    }

    #[test]
    fn at_the_threshold_of_a_hit_about_the_target_s_share_of_searches_brings_up_a_stranger() {
        let calibration = Calibration::shipped();
        let size = 20_000;
        let hit = SearchThresholds::of(&calibration, 0.01, size)
            .hit
            .similarity;
        let alarms = FalseAlarms::of(&calibration, hit as f32, size);
        assert!((alarms.count - 0.01).abs() < 1e-3, "{alarms:?}");
    }
}
