//! Consent: a reference to what a person agreed to. The agreement itself is the caller's to keep.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Longest reference, in characters.
pub const MAX_CONSENT_ID_CHARS: u64 = 128;
/// Longest version of a text, in characters.
pub const MAX_TEXT_VERSION_CHARS: u64 = 64;

/// What a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The caller's own reference to the agreement.
    pub id: String,
    /// Which wording was shown.
    #[serde(default)]
    pub text_version: Option<String>,
    /// When it was given.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub given_at: Option<OffsetDateTime>,
}

impl Consent {
    /// Whether its texts keep to their bounds, and hold no control characters.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let version = self.text_version.as_deref();
        fits(&self.id, MAX_CONSENT_ID_CHARS)
            && version.is_none_or(|version| fits(version, MAX_TEXT_VERSION_CHARS))
    }
}

/// Whether a text has at least one character, at most so many, and no control characters.
pub(crate) fn fits(text: &str, max_chars: u64) -> bool {
    let chars = text.chars().count() as u64;
    (1..=max_chars).contains(&chars) && !text.chars().any(char::is_control)
}

/// Whether the service works on people without a word of their consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConsentRule {
    /// It does; a consent is kept where there is one.
    #[default]
    Optional,
    /// It does not.
    Required,
}

impl ConsentRule {
    /// Whether that is enough.
    #[must_use]
    pub fn admits(self, consent: Option<&Consent>) -> bool {
        match self {
            Self::Optional => true,
            Self::Required => consent.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(id: &str, version: Option<&str>) -> Consent {
        Consent {
            id: id.to_owned(),
            text_version: version.map(ToOwned::to_owned),
            given_at: None,
        }
    }

    #[test]
    fn texts_are_held_to_their_bounds() {
        let (longest, version) = ("ü".repeat(128), "v".repeat(64));
        assert!(consent(&longest, Some(&version)).is_bounded());
        for bad in [
            consent("", None),
            consent(&format!("{longest}x"), None),
            consent("a\n", None),
            consent("a", Some("")),
            consent("a", Some(&format!("{version}x"))),
        ] {
            assert!(!bad.is_bounded(), "{bad:?}");
        }
    }

    #[test]
    fn only_a_service_that_requires_consent_turns_away_without() {
        let given = consent("a", None);
        assert!(ConsentRule::Optional.admits(None));
        assert!(ConsentRule::Required.admits(Some(&given)));
        assert!(!ConsentRule::Required.admits(None));
    }
}
