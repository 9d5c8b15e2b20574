//! The one place that decodes a token.

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{decode, get_current_timestamp};

use super::header::TokenHeader;
use super::keys::{KeyHealth, KeySet, TokenKeys};
use super::refusal::{Refusal, TokenError};
use super::rules::{TokenRules, Verified};
use super::strict::StrictObject;

/// Checks bearer tokens against the configured keys.
pub struct TokenVerifier {
    keys: TokenKeys,
    rules: TokenRules,
}

impl TokenVerifier {
    /// A verifier over the given keys.
    #[must_use]
    pub fn new(keys: TokenKeys, rules: TokenRules) -> Self {
        Self { keys, rules }
    }

    /// The caller that a compact token stands for.
    ///
    /// # Errors
    /// [`TokenError`] for every token that is not wholly in order, and where that cannot be told.
    pub async fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        let header = TokenHeader::of(token)?;
        self.rules.check_kind(header.kind.as_deref())?;
        let keys = self.keys.current().ok_or(TokenError::KeysUnknown)?;
        match self.verify_with(&keys, &header, token) {
            Err(Refusal::UnknownKey) if header.kid.is_some() => {
                let newer = self.keys.after_unknown_kid().await;
                let keys = newer.ok_or(Refusal::UnknownKey)?;
                Ok(self.verify_with(&keys, &header, token)?)
            }
            result => Ok(result?),
        }
    }

    /// Whether there are keys, and whether they are up to date.
    #[must_use]
    pub fn key_health(&self) -> KeyHealth {
        self.keys.health()
    }

    fn verify_with(
        &self,
        keys: &KeySet,
        header: &TokenHeader,
        token: &str,
    ) -> Result<Verified, Refusal> {
        let key = keys.key_for(header)?;
        let validation = self.rules.validation(key.algorithm);
        let claims = decode::<StrictObject>(token, &key.key, &validation)
            .map_err(|error| refusal_of(&error))?
            .claims;
        self.rules.admit(claims, get_current_timestamp())
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive, and whatever it says the token is refused"
)]
fn refusal_of(error: &Error) -> Refusal {
    match error.kind() {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::ImmatureSignature => Refusal::NotYetValid,
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::InvalidAudience => Refusal::Audience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => Refusal::Claims,
        ErrorKind::InvalidToken
        | ErrorKind::Base64(_)
        | ErrorKind::Json(_)
        | ErrorKind::Utf8(_) => Refusal::Malformed,
        _ => Refusal::Signature,
    }
}
