//! The header of a token: read strictly, and believed in nothing but the name of a key of ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::refusal::Refusal;
use super::strict::StrictObject;

/// Longer tokens are not looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Longest key id.
const MAX_KID_CHARS: usize = 256;
/// What no token of ours needs: demands that we would have to understand, encryption, compression, and keys or
/// addresses of keys that the token brings along.
const REFUSED_MEMBERS: [&str; 8] = ["crit", "enc", "zip", "b64", "jwk", "jku", "x5u", "x5c"];

/// What is read of a token's header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenHeader {
    /// Its `alg`; compared with the key's, never followed.
    pub(super) algorithm: String,
    /// Its `kid`.
    pub(super) kid: Option<String>,
    /// Its `typ`, in lower case and without `application/`.
    pub(super) kind: Option<String>,
}

impl TokenHeader {
    /// The header of a token of three parts.
    pub(super) fn of(token: &str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, _, _] = parts.as_slice() else {
            return Err(Refusal::Malformed);
        };
        let header = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| Refusal::Malformed)?;
        let StrictObject(members) =
            serde_json::from_slice(&header).map_err(|_| Refusal::Malformed)?;
        if REFUSED_MEMBERS
            .iter()
            .any(|name| members.contains_key(*name))
        {
            return Err(Refusal::Header);
        }
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::Malformed),
        };
        let kid = text("kid")?;
        if kid.as_deref().is_some_and(|kid| !is_plain(kid)) {
            return Err(Refusal::Header);
        }
        Ok(Self {
            algorithm: text("alg")?.ok_or(Refusal::Malformed)?,
            kid,
            kind: text("typ")?.map(|kind| kind_of(&kind)),
        })
    }
}

fn is_plain(kid: &str) -> bool {
    (1..=MAX_KID_CHARS).contains(&kid.chars().count()) && !kid.contains(char::is_control)
}

/// A media type as RFC 7515 shortens it.
pub(super) fn kind_of(typ: &str) -> String {
    let kind = typ.to_ascii_lowercase();
    kind.strip_prefix("application/")
        .map_or(kind.clone(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<TokenHeader, Refusal> {
        TokenHeader::of(&format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header)))
    }

    #[test]
    fn what_a_header_may_say_is_read() {
        let header =
            read(r#"{"alg": "ES256", "kid": "a", "typ": "application/AT+JWT", "x5t": "z"}"#);
        let expected = TokenHeader {
            algorithm: "ES256".to_owned(),
            kid: Some("a".to_owned()),
            kind: Some("at+jwt".to_owned()),
        };
        assert_eq!(header, Ok(expected));
    }

    #[test]
    fn what_a_header_may_not_say_is_refused() {
        for name in REFUSED_MEMBERS {
            let header = format!(r#"{{"alg": "ES256", "{name}": null}}"#);
            assert_eq!(read(&header), Err(Refusal::Header), "{name}");
        }
        for (header, refusal) in [
            (r#"{"typ": "JWT"}"#, Refusal::Malformed),
            (r#"{"alg": ["ES256"]}"#, Refusal::Malformed),
            (r#"{"alg": "ES256", "kid": 7}"#, Refusal::Malformed),
            (
                r#"{"alg": "ES256", "kid": "a", "kid": "b"}"#,
                Refusal::Malformed,
            ),
            (r#"{"alg": "ES256", "kid": "a\u0000"}"#, Refusal::Header),
            (r#"{"alg": "ES256", "kid": ""}"#, Refusal::Header),
        ] {
            assert_eq!(read(header), Err(refusal), "{header}");
        }
        for token in ["", "a", "a.b", "a.b.c", "e30.e30.a.b", "e30=.e30.c2ln"] {
            assert_eq!(TokenHeader::of(token), Err(Refusal::Malformed), "{token}");
        }
    }
}
