//! The one place that decodes a token.

use std::time::Duration;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header, get_current_timestamp,
};
use serde::Deserialize;

use super::keys::TokenKeys;
use super::principal::{Principal, Scope};
use crate::domain::ids::TenantId;

/// Longer tokens are not looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Claims that must be there.
const REQUIRED_CLAIMS: [&str; 4] = ["exp", "iss", "aud", "sub"];

/// What a token must say.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The `aud` that must be among the token's.
    pub audience: String,
    /// How far clocks may differ.
    pub leeway: Duration,
}

/// A key and the one algorithm that it is used with.
pub(super) struct VerificationKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Checks bearer tokens against the configured keys.
pub struct TokenVerifier {
    keys: Vec<VerificationKey>,
    rules: TokenRules,
}

/// Why a token was refused: for the log, never for the caller, who learns only that it was.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is longer than any token of ours.
    #[error("the token is too long")]
    TooLong,
    /// Its header cannot be read or asks for what is not supported.
    #[error("the header is not acceptable")]
    Header,
    /// No configured key has its id and algorithm.
    #[error("no key fits the header")]
    NoKey,
    /// Signature, form or a registered claim is wrong.
    #[error("the token does not verify: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// It says that it was issued in the future.
    #[error("the token is not issued yet")]
    IssuedLater,
    /// Its tenant is no tenant's name.
    #[error("the tenant is not valid")]
    Tenant,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    tenant: String,
    #[serde(default)]
    scope: String,
    iat: Option<u64>,
}

impl TokenVerifier {
    /// A verifier over the given keys.
    #[must_use]
    pub fn new(keys: TokenKeys, rules: TokenRules) -> Self {
        Self {
            keys: keys.into_keys(),
            rules,
        }
    }

    /// The caller that a compact token stands for.
    ///
    /// # Errors
    /// [`Refusal`] for every token that is not wholly in order.
    pub fn verify(&self, token: &str) -> Result<Principal, Refusal> {
        let key = self.key_for(token)?;
        let claims: Claims = decode(token, &key.key, &self.validation(key.algorithm))?.claims;
        let latest_issue = get_current_timestamp() + self.rules.leeway.as_secs();
        if claims.iat.is_some_and(|issued_at| issued_at > latest_issue) {
            return Err(Refusal::IssuedLater);
        }
        let tenant = TenantId::parse(&claims.tenant).map_err(|_| Refusal::Tenant)?;
        Ok(Principal {
            subject: claims.sub,
            tenant,
            scopes: Scope::parse_list(&claims.scope),
        })
    }

    /// The header chooses among our keys by id; its algorithm must be the key's own.
    fn key_for(&self, token: &str) -> Result<&VerificationKey, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        let header = decode_header(token).map_err(|_| Refusal::Header)?;
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(Refusal::Header);
        }
        let key = match (&header.kid, self.keys.as_slice()) {
            // A lone key without an id, such as a PEM file or the secret, serves whatever the token calls it.
            (_, [only]) if only.id.is_none() => Some(only),
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|key| key.id.as_ref() == Some(id)),
        };
        key.filter(|key| key.algorithm == header.alg)
            .ok_or(Refusal::NoKey)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.rules.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&REQUIRED_CLAIMS);
        validation.set_issuer(&[&self.rules.issuer]);
        validation.set_audience(&[&self.rules.audience]);
        validation
    }
}
