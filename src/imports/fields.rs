//! What a line of a manifest or a stream says of a person, checked by the same bounds as a single enrolment.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::consent::{Consent, ConsentRule, fits};
use crate::domain::job::{RowCode, RowFault};
use crate::domain::metadata::{Metadata, check_metadata};
use crate::domain::watchlist::{MAX_EXTERNAL_ID_CHARS, MAX_NAME_CHARS};

/// Longest name of a file that is kept, in characters.
const MAX_FILE_CHARS: usize = 512;

/// A person as a line describes them, not checked yet.
#[derive(Debug, Default, Clone, Deserialize)]
pub(super) struct Described {
    #[serde(default)]
    pub(super) external_id: Option<String>,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<Value>,
    #[serde(default)]
    pub(super) valid_until: Option<String>,
    #[serde(default)]
    pub(super) consent: Option<Value>,
    /// What else the line holds, which is an error.
    #[serde(flatten)]
    pub(super) unknown: BTreeMap<String, serde::de::IgnoredAny>,
}

/// A person, checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    pub(super) external_id: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) valid_until: Option<OffsetDateTime>,
    pub(super) consent: Option<Consent>,
}

impl Described {
    pub(super) fn check(self, rule: ConsentRule) -> Result<Person, RowFault> {
        if let Some(name) = self.unknown.keys().next() {
            // The name of a column or member is the caller's own vocabulary, not a person's.
            return Err(invalid(format!(
                "`{}` is not known here; known are file, external_id, display_name, valid_until, metadata, consent and image",
                shown(name, 64)
            )));
        }
        let keyed = self
            .external_id
            .as_deref()
            .is_none_or(|key| fits(key, MAX_EXTERNAL_ID_CHARS));
        if !keyed {
            return Err(invalid(
                "external_id must be 1 to 128 characters without control characters",
            ));
        }
        let named = self
            .display_name
            .as_deref()
            .is_none_or(|name| fits(name, MAX_NAME_CHARS));
        if !named {
            return Err(invalid(
                "display_name must be 1 to 200 characters without control characters",
            ));
        }
        let consent = self.consent.map(consent).transpose()?.flatten();
        if !rule.admits(consent.as_ref()) {
            return Err(no_consent());
        }
        Ok(Person {
            external_id: self.external_id,
            display_name: self.display_name,
            metadata: self.metadata.map_or_else(|| Ok(Metadata::new()), object)?,
            valid_until: self.valid_until.as_deref().map(instant).transpose()?,
            consent,
        })
    }
}

/// The external id, where it is one, for rows that are refused.
pub(super) fn usable_external_id(text: Option<&str>) -> Option<String> {
    text.filter(|text| fits(text, MAX_EXTERNAL_ID_CHARS))
        .map(ToOwned::to_owned)
}

/// The name of a file as it is shown in a row: whatever an archive says, without control characters and not endless.
pub(super) fn shown_file(name: &str) -> String {
    shown(name, MAX_FILE_CHARS)
}

pub(super) fn invalid(message: impl Into<String>) -> RowFault {
    RowFault::new(RowCode::InvalidRow, message)
}

/// Nothing is said of the person's consent.
pub(super) fn no_consent() -> RowFault {
    let message = "consent is required by this service";
    RowFault::new(RowCode::ConsentRequired, message)
}

fn consent(value: Value) -> Result<Option<Consent>, RowFault> {
    let consent = serde_json::from_value::<Option<Consent>>(value).ok();
    let consent = consent.filter(|consent| consent.as_ref().is_none_or(Consent::is_bounded));
    consent.ok_or_else(|| {
        invalid("consent must be an object with id, and perhaps text_version and given_at")
    })
}

fn shown(text: &str, max_chars: usize) -> String {
    let plain = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    text.chars().take(max_chars).map(plain).collect()
}

fn object(value: Value) -> Result<Metadata, RowFault> {
    match value {
        Value::Object(members) => match check_metadata(&members) {
            Ok(()) => Ok(members),
            Err(broken) => Err(invalid(format!("metadata {broken}"))),
        },
        Value::Null => Ok(Metadata::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(invalid("metadata must be a JSON object"))
        }
    }
}

fn instant(text: &str) -> Result<OffsetDateTime, RowFault> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| invalid("valid_until must be a time as in RFC 3339"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Person, RowFault> {
        serde_json::from_str::<Described>(line)
            .unwrap()
            .check(ConsentRule::Optional)
    }

    #[test]
    fn a_whole_line_is_taken() {
        let person = parse(
            r#"{"external_id": "e", "display_name": "D", "metadata": {"k": [1]}, "valid_until": "2030-01-02T03:04:05Z"}"#,
        )
        .unwrap();
        assert_eq!(person.external_id.as_deref(), Some("e"));
        assert_eq!(person.display_name.as_deref(), Some("D"));
        assert_eq!(person.metadata["k"], serde_json::json!([1]));
        assert_eq!(person.valid_until.unwrap().year(), 2030);
    }

    #[test]
    fn a_person_needs_no_key() {
        let person = parse(r#"{"display_name": "Jane"}"#).unwrap();
        assert_eq!(person.external_id, None);
    }

    #[test]
    fn a_line_out_of_bounds_is_refused_and_not_repeated() {
        let long = "x".repeat(129);
        for (line, said) in [
            (r#"{"external_id": ""}"#.to_owned(), "1 to 128"),
            (format!(r#"{{"external_id": "{long}"}}"#), "1 to 128"),
            (
                r#"{"external_id": "a\u0000"}"#.to_owned(),
                "control characters",
            ),
            (
                r#"{"external_id": "a", "display_name": ""}"#.to_owned(),
                "1 to 200",
            ),
            (
                r#"{"external_id": "a", "metadata": "Jane Secret"}"#.to_owned(),
                "JSON object",
            ),
            (
                r#"{"external_id": "a", "metadata": {"k": "\u0000"}}"#.to_owned(),
                "U+0000",
            ),
            (
                format!(
                    r#"{{"external_id": "a", "metadata": {{"k": "{}"}}}}"#,
                    "y".repeat(16 * 1024)
                ),
                "16 KiB",
            ),
            (
                r#"{"external_id": "a", "valid_until": "Jane Secret"}"#.to_owned(),
                "RFC 3339",
            ),
            (
                r#"{"external_id": "a", "consent": {"name": "Jane Secret"}}"#.to_owned(),
                "an object with id",
            ),
            (
                r#"{"external_id": "a", "consent": {"id": "Jane Secret\u0000"}}"#.to_owned(),
                "an object with id",
            ),
            (
                r#"{"external_id": "a", "surname": "Jane Secret"}"#.to_owned(),
                "`surname` is not known",
            ),
        ] {
            let fault = parse(&line).unwrap_err();
            assert_eq!(fault.code, RowCode::InvalidRow);
            assert!(fault.message.contains(said), "{line}: {}", fault.message);
            assert!(!fault.message.contains("Jane Secret"), "{}", fault.message);
        }
    }

    #[test]
    fn where_consent_is_required_a_line_without_is_refused() {
        let check = |line: &str| {
            let line: Described = serde_json::from_str(line).unwrap();
            line.check(ConsentRule::Required)
        };
        let given = check(r#"{"external_id": "a", "consent": {"id": "c", "text_version": "2"}}"#);
        let consent = given.unwrap().consent.unwrap();
        assert_eq!(
            (consent.id.as_str(), consent.text_version.as_deref()),
            ("c", Some("2"))
        );
        for without in [
            r#"{"external_id": "a"}"#,
            r#"{"external_id": "a", "consent": null}"#,
        ] {
            let fault = check(without).unwrap_err();
            assert_eq!(fault.code, RowCode::ConsentRequired);
        }
    }

    #[test]
    fn the_name_of_a_file_is_shown_plainly_and_shortened() {
        assert_eq!(shown_file("a\0b\n"), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(shown_file(&"ü".repeat(600)).chars().count(), 512);
    }
}
