//! What a token has to say, beyond being signed by the right key.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::header::kind_of;
use super::principal::{Principal, Scope};
use super::refusal::Refusal;
use super::strict::{NumericDate, StrictObject, unless_absent};
use crate::domain::ids::TenantId;

/// Claims that must be there.
const REQUIRED_CLAIMS: [&str; 4] = ["exp", "iss", "aud", "sub"];
/// Longest `sub` and `jti`.
const MAX_NAME_CHARS: usize = 255;
/// `typ` of a header where none is demanded: what issuers write over access tokens.
const USUAL_KINDS: [&str; 2] = ["jwt", "at+jwt"];
/// Claims that only ID tokens have.
const ID_TOKEN_CLAIMS: [&str; 2] = ["at_hash", "c_hash"];
/// Where some issuers say in the claims what a token is, and what they say of access tokens.
const KIND_CLAIMS: [&str; 2] = ["typ", "token_use"];
const ACCESS_KINDS: [&str; 4] = ["bearer", "access", "jwt", "at+jwt"];

/// What a token must say.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The `aud` that must be among the token's.
    pub audience: String,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// How long a token may last from its issue to its end.
    pub max_lifetime: Duration,
    /// The `typ` that the header must have, where one is demanded.
    pub token_type: Option<String>,
    /// A token with one of these scopes is good for one request.
    pub one_time_scopes: Vec<Scope>,
}

/// A token that is in order.
#[derive(Debug)]
pub struct Verified {
    /// The caller that it stands for.
    pub principal: Principal,
    /// What to remember where it is good for one request.
    pub one_time: Option<OneTime>,
}

/// The trace that a token for one request leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneTime {
    /// SHA-256 of its `jti`.
    pub id: [u8; 32],
    /// Its `exp`, in seconds since 1970; afterwards it is refused for its age.
    pub expires_at: u64,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    tenant: String,
    #[serde(default)]
    scope: String,
    /// One text: of several issuers it is not known which one answers for the token.
    #[serde(rename = "iss")]
    _iss: String,
    exp: NumericDate,
    #[serde(default, rename = "nbf", deserialize_with = "unless_absent")]
    _nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "unless_absent")]
    iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "unless_absent")]
    jti: Option<String>,
}

impl TokenRules {
    /// The rules that the decoder itself applies.
    pub(super) fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&REQUIRED_CLAIMS);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation
    }

    /// Whether a header's `typ` is that of an access token.
    pub(super) fn check_kind(&self, kind: Option<&str>) -> Result<(), Refusal> {
        let accepted = match (&self.token_type, kind) {
            (Some(demanded), kind) => kind == Some(kind_of(demanded).as_str()),
            (None, None) => true,
            (None, Some(kind)) => USUAL_KINDS.contains(&kind),
        };
        accepted.then_some(()).ok_or(Refusal::Kind)
    }

    /// The caller, where the claims of a token with a good signature are all in order.
    pub(super) fn admit(&self, claims: StrictObject, now: u64) -> Result<Verified, Refusal> {
        let StrictObject(claims) = claims;
        let says_other = |name: &&str| match claims.get(*name) {
            None => false,
            Some(Value::String(kind)) => !ACCESS_KINDS.contains(&kind_of(kind).as_str()),
            Some(_) => true,
        };
        let of_id_token = |name: &&str| claims.contains_key(*name);
        if KIND_CLAIMS.iter().any(says_other) || ID_TOKEN_CLAIMS.iter().any(of_id_token) {
            return Err(Refusal::Kind);
        }
        let claims: Claims =
            serde_json::from_value(Value::Object(claims)).map_err(|_| Refusal::Claims)?;
        self.check_times(&claims, now)?;
        let tenant = TenantId::parse(&claims.tenant).map_err(|_| Refusal::Tenant)?;
        if !is_name(&claims.sub) {
            return Err(Refusal::Subject);
        }
        let scopes = Scope::parse_list(&claims.scope);
        let one_time = self.one_time(&scopes, &claims)?;
        let principal = Principal {
            subject: claims.sub,
            tenant,
            scopes,
        };
        Ok(Verified {
            principal,
            one_time,
        })
    }

    /// `exp` and `nbf` are the decoder's; what it leaves out is here.
    fn check_times(&self, claims: &Claims, now: u64) -> Result<(), Refusal> {
        let NumericDate(issued_at) = claims.iat.unwrap_or(NumericDate(now));
        if issued_at > now + self.leeway.as_secs() {
            return Err(Refusal::IssuedLater);
        }
        // A token that does not say when it was issued may last that long from now.
        if claims.exp.0.saturating_sub(issued_at) > self.max_lifetime.as_secs() {
            return Err(Refusal::Lifetime);
        }
        Ok(())
    }

    fn one_time(&self, scopes: &[Scope], claims: &Claims) -> Result<Option<OneTime>, Refusal> {
        if !scopes
            .iter()
            .any(|scope| self.one_time_scopes.contains(scope))
        {
            return Ok(None);
        }
        let id = claims.jti.as_deref().filter(|id| is_name(id));
        Ok(Some(OneTime {
            id: Sha256::digest(id.ok_or(Refusal::NoId)?).into(),
            expires_at: claims.exp.0,
        }))
    }
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&text.chars().count()) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn rules() -> TokenRules {
        TokenRules {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            leeway: Duration::from_secs(5),
            max_lifetime: Duration::from_secs(3600),
            token_type: None,
            one_time_scopes: vec![Scope::WatchlistWrite],
        }
    }

    fn admit(changes: Value) -> Result<Verified, Refusal> {
        let mut claims =
            json!({"sub": "s", "tenant": "t", "iss": "i", "exp": NOW + 60, "iat": NOW});
        let changes = changes.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(changes);
        let claims = serde_json::from_value(claims).unwrap();
        rules().admit(claims, NOW)
    }

    #[test]
    fn the_lifetime_counts_from_the_issue_or_from_now() {
        assert!(admit(json!({"exp": NOW + 3600})).is_ok());
        for too_long in [
            json!({"exp": NOW + 3601}),
            json!({"exp": NOW + 60, "iat": NOW - 3541}),
        ] {
            assert_eq!(admit(too_long).unwrap_err(), Refusal::Lifetime);
        }
        let mut claims = json!({"sub": "s", "tenant": "t", "iss": "i"});
        claims["exp"] = (NOW + 3601).into();
        let claims = serde_json::from_value(claims).unwrap();
        assert_eq!(rules().admit(claims, NOW).unwrap_err(), Refusal::Lifetime);
    }

    #[test]
    fn tokens_of_other_kinds_are_told_by_their_claims() {
        for other in [
            json!({"typ": "ID"}),
            json!({"typ": "Refresh"}),
            json!({"token_use": "id"}),
            json!({"token_use": 1}),
            json!({"at_hash": "x"}),
        ] {
            assert_eq!(admit(other).unwrap_err(), Refusal::Kind);
        }
        for own in [json!({"typ": "Bearer"}), json!({"token_use": "access"})] {
            assert!(admit(own).is_ok());
        }
    }

    #[test]
    fn a_demanded_type_is_the_only_one() {
        let mut rules = rules();
        for (kind, usual) in [
            (None, true),
            (Some("jwt"), true),
            (Some("at+jwt"), true),
            (Some("logout+jwt"), false),
        ] {
            assert_eq!(rules.check_kind(kind).is_ok(), usual, "{kind:?}");
        }
        rules.token_type = Some("AT+jwt".to_owned());
        for (kind, accepted) in [(None, false), (Some("jwt"), false), (Some("at+jwt"), true)] {
            assert_eq!(rules.check_kind(kind).is_ok(), accepted, "{kind:?}");
        }
    }

    #[test]
    fn only_a_token_for_one_request_is_remembered_and_it_needs_an_id() {
        let once = |changes| admit(changes).map(|verified| verified.one_time);
        assert_eq!(once(json!({"scope": "verify", "jti": "j"})), Ok(None));
        let kept = once(json!({"scope": "verify watchlist:write", "jti": "j"})).unwrap();
        assert_eq!(kept.unwrap().expires_at, NOW + 60);
        for bad in [json!({}), json!({"jti": ""}), json!({"jti": "a\u{0}"})] {
            let mut claims = bad;
            claims["scope"] = "watchlist:write".into();
            assert_eq!(once(claims).unwrap_err(), Refusal::NoId);
        }
    }

    #[test]
    fn null_is_not_the_same_as_absent() {
        for name in ["iat", "nbf", "exp", "jti", "scope", "tenant"] {
            assert_eq!(
                admit(json!({name: null})).unwrap_err(),
                Refusal::Claims,
                "{name}"
            );
        }
    }
}
