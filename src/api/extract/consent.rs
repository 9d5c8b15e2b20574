//! Consent, as requests name it.

use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::Validate;

use super::rules;
use crate::domain::consent::{Consent, MAX_CONSENT_ID_CHARS, MAX_TEXT_VERSION_CHARS};

/// On what a person agreed to: a reference to the agreement, which the caller keeps.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentForm {
    /// The caller's own reference, 1 to 128 characters.
    #[validate(length(min = 1, max = MAX_CONSENT_ID_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 128, example = "consent-2026-0815")]
    pub id: String,
    /// Which wording was shown, 1 to 64 characters.
    #[validate(length(min = 1, max = MAX_TEXT_VERSION_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 64, example = "2026-10")]
    pub text_version: Option<String>,
    /// When it was given (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub given_at: Option<OffsetDateTime>,
}

impl From<ConsentForm> for Consent {
    fn from(form: ConsentForm) -> Self {
        Self {
            id: form.id,
            text_version: form.text_version,
            given_at: form.given_at,
        }
    }
}
