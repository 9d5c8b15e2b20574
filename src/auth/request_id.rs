//! The id of a request: what its log lines, its answer and its audit events share.

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName};
use uuid::Uuid;

/// Longest `X-Request-Id` that is taken over from a caller.
const MAX_REQUEST_ID_CHARS: usize = 128;
/// The header that brings an id, and takes it back.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that a request, its log lines, its answer and its audit events share.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// The caller's own id where it is short and plain, a new one otherwise.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        let plain = |text: &&str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
            (1..=MAX_REQUEST_ID_CHARS).contains(&text.len()) && text.chars().all(allowed)
        };
        Self(
            given
                .filter(plain)
                .map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned),
        )
    }

    /// The id as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn id_for(value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(value).unwrap());
        RequestId::of(&headers).to_string()
    }

    #[test]
    fn a_plain_request_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_for("order-17.a:b_c"), "order-17.a:b_c");
        for bad in ["", "a b", "x\"y", &"x".repeat(129)] {
            assert_ne!(id_for(bad), bad);
        }
    }
}
