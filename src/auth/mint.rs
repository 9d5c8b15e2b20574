//! Tokens for development, signed with a shared secret.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::verifier::TokenRules;
use crate::domain::ids::TenantId;

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Its `sub`.
    pub subject: String,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its scopes, separated by spaces.
    pub scope: String,
    /// How long it lasts.
    pub ttl: Duration,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign a token: {0}")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    tenant: &'a str,
    scope: &'a str,
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

/// Signs a token with HS256.
///
/// # Errors
/// [`MintError`] where signing fails.
pub fn mint(
    secret: &SecretString,
    rules: &TokenRules,
    request: &TokenRequest,
) -> Result<String, MintError> {
    let now = get_current_timestamp();
    let claims = Claims {
        sub: &request.subject,
        tenant: request.tenant.as_str(),
        scope: &request.scope,
        iss: &rules.issuer,
        aud: &rules.audience,
        iat: now,
        exp: now + request.ttl.as_secs(),
    };
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    Ok(encode(&Header::default(), &claims, &key)?)
}
