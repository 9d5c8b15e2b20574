//! One identity check as it is kept: the decision, what led to it, and the caller's own labels.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::consent::Consent;
use super::decision::Assessment;
use super::face::BoundingBox;
use super::ids::VerificationId;
use super::metadata::Metadata;
use super::review::Review;

/// The models that an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIds {
    /// Found the faces.
    pub detector: String,
    /// Made the templates.
    pub embedder: String,
    /// Judged the liveness.
    pub liveness: String,
}

/// Where the time went, in milliseconds. The two pictures are worked on side by side, so the parts of one stage
/// are added up and may exceed the total.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TimingsMs {
    /// Decoding both pictures.
    pub decode: f64,
    /// Finding faces and landmarks.
    pub detect: f64,
    /// Making templates.
    pub embed: f64,
    /// Liveness and pose of the selfie.
    pub liveness: f64,
    /// Searching watchlists.
    pub search: f64,
    /// From the parsed request to the decision.
    pub total: f64,
}

/// A finished identity check. It holds no picture and no template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Its id.
    pub id: VerificationId,
    /// The verdict and all that led to it.
    pub assessment: Assessment,
    /// Where the portrait lies on the document.
    pub portrait_box: BoundingBox,
    /// The models that it rests on.
    pub models: ModelIds,
    /// Where the time went.
    pub timings_ms: TimingsMs,
    /// The caller's own key.
    pub external_id: Option<String>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// On what the person agreed to, where the caller said so.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// When it was decided.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A verification as it is kept: what the machine found, which does not change, and what came of it since.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptVerification {
    /// What the machine found.
    pub verification: Verification,
    /// What people decided about it, the latest last.
    pub reviews: Vec<Review>,
    /// When it is deleted, where it is not kept until somebody does.
    pub delete_after: Option<OffsetDateTime>,
}
