//! The header `Idempotency-Key`: what makes repetitions of a request known as such.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::fingerprint::Fingerprint;
use crate::error::{ApiError, ErrorCode};
use crate::store::KeyedRequest;

/// The header's name.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key.
const MAX_KEY_CHARS: usize = 255;

/// A key on a route with the ids in its path, before the body is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct GivenKey([u8; 32]);

impl GivenKey {
    /// The key that a request brings, if any.
    pub(super) fn of(request: &HttpRequest) -> Result<Option<Self>, ApiError> {
        let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let key = parse(value.as_bytes()).filter(|_| values.next().is_none());
        let key = key.ok_or_else(|| {
            let detail = format!(
                "An Idempotency-Key has 1 to {MAX_KEY_CHARS} printable ASCII characters, and is given once."
            );
            ApiError::with_detail(ErrorCode::MalformedRequest, detail)
        })?;
        Ok(Some(Self(scoped(request, &key))))
    }

    /// The key together with what was sent.
    pub(super) fn with(self, fingerprint: Fingerprint) -> KeyedRequest {
        KeyedRequest {
            key_hash: self.0,
            fingerprint,
        }
    }
}

/// A key counts on one route and for the ids in its path. The tenant is the store's business.
fn scoped(request: &HttpRequest, key: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |text: &[u8]| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    add(request.method().as_str().as_bytes());
    add(request.match_pattern().unwrap_or_default().as_bytes());
    for (name, value) in request.match_info().iter() {
        add(name.as_bytes());
        // An id can be spelt in several ways.
        match Uuid::parse_str(value) {
            Ok(id) => add(id.as_bytes()),
            Err(_) => add(value.as_bytes()),
        }
    }
    add(key);
    hash.finalize().into()
}

/// The key as it is, or in quotes as a string of structured fields (RFC 9651): both spell the same key.
fn parse(value: &[u8]) -> Option<Vec<u8>> {
    let key = match value {
        [b'"', inner @ .., b'"'] => unquoted(inner)?,
        [b'"', ..] => return None,
        plain => plain.to_vec(),
    };
    let printable = key.iter().all(|byte| matches!(byte, b' '..=b'~'));
    ((1..=MAX_KEY_CHARS).contains(&key.len()) && printable).then_some(key)
}

/// What stands between the quotes: a backslash comes before a quote or another backslash, and nothing else.
fn unquoted(inner: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => text.push(*bytes.next().filter(|next| matches!(next, b'"' | b'\\'))?),
            byte => text.push(byte),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str) -> Option<String> {
        parse(value.as_bytes()).map(|key| String::from_utf8(key).unwrap())
    }

    #[test]
    fn a_key_is_the_same_with_quotes_and_without() {
        assert_eq!(key("8e03978e-40d5").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key("\"8e03978e-40d5\"").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key(r#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        assert_eq!(key(r#"a"b\c"#).as_deref(), Some(r#"a"b\c"#));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for value in [
            "",
            "\"\"",
            "\"",
            "\"a",
            r#""a"b""#,
            r#""a\b""#,
            r#""a\""#,
            "ü",
            "a\tb",
            "\"a\";b=1",
        ] {
            assert_eq!(key(value), None, "{value}");
        }
    }

    #[test]
    fn a_key_has_at_most_255_characters_whatever_the_quotes_take() {
        let longest = "k".repeat(255);
        assert_eq!(key(&longest), Some(longest.clone()));
        assert_eq!(key(&format!("\"{longest}\"")), Some(longest.clone()));
        assert_eq!(key(&format!("{longest}k")), None);
        let escaped = r"\\".repeat(255);
        assert_eq!(key(&format!("\"{escaped}\"")), Some(r"\".repeat(255)));
    }
}
