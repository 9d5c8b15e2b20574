//! Consent, as answers show it.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::consent::Consent;

/// On what a person agreed to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    /// The caller's own reference to the agreement.
    #[schema(example = "consent-2026-0815")]
    pub id: String,
    /// Which wording was shown.
    #[schema(example = "2026-10")]
    pub text_version: Option<String>,
    /// When it was given.
    #[serde(with = "time::serde::rfc3339::option")]
    pub given_at: Option<OffsetDateTime>,
}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        Self {
            id: consent.id,
            text_version: consent.text_version,
            given_at: consent.given_at,
        }
    }
}
