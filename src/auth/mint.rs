//! Tokens for development, signed with a shared secret.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use uuid::Uuid;

use super::rules::TokenRules;
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

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// It could not be signed.
    #[error("cannot sign a token: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
    /// The service would not take it.
    #[error(
        "a token may last {} s at most: ask for less, or set LIKENESS_JWT_MAX_LIFETIME_SECONDS",
        .0.as_secs()
    )]
    TooLong(Duration),
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    tenant: &'a str,
    scope: &'a str,
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: Uuid,
}

/// Signs a token with HS256.
///
/// # Errors
/// [`MintError`] where signing fails, or the token would not be taken.
pub fn mint(
    secret: &SecretString,
    rules: &TokenRules,
    request: &TokenRequest,
) -> Result<String, MintError> {
    if request.ttl > rules.max_lifetime {
        return Err(MintError::TooLong(rules.max_lifetime));
    }
    let now = get_current_timestamp();
    let claims = Claims {
        sub: &request.subject,
        tenant: request.tenant.as_str(),
        scope: &request.scope,
        iss: &rules.issuer,
        aud: &rules.audience,
        iat: now,
        exp: now + request.ttl.as_secs(),
        jti: Uuid::now_v7(),
    };
    let mut header = Header::default();
    if let Some(token_type) = &rules.token_type {
        header.typ = Some(token_type.clone());
    }
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    Ok(encode(&header, &claims, &key)?)
}
