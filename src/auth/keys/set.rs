//! A set of keys, and which of them a token is checked with.

use jsonwebtoken::{Algorithm, DecodingKey};

use crate::auth::header::TokenHeader;
use crate::auth::refusal::Refusal;

/// A key and the one algorithm that it is used with.
#[derive(Clone)]
pub(in crate::auth) struct VerificationKey {
    pub(super) id: Option<String>,
    pub(in crate::auth) algorithm: Algorithm,
    pub(in crate::auth) key: DecodingKey,
}

/// Keys with different ids.
#[derive(Clone, Default)]
pub(in crate::auth) struct KeySet(Vec<VerificationKey>);

impl KeySet {
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        Self::of(VerificationKey {
            id: None,
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret),
        })
    }

    pub(super) fn of(key: VerificationKey) -> Self {
        Self(vec![key])
    }

    /// Takes a key in, unless it could not be told from another which one a token means.
    pub(super) fn insert(&mut self, key: VerificationKey) -> Result<(), &'static str> {
        if self.0.iter().any(|known| known.id == key.id) {
            return Err("two keys share a kid, or have none");
        }
        self.0.push(key);
        Ok(())
    }

    pub(in crate::auth) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The header chooses among our keys by id; its algorithm must be the key's own.
    pub(in crate::auth) fn key_for(
        &self,
        header: &TokenHeader,
    ) -> Result<&VerificationKey, Refusal> {
        let key = match (&header.kid, self.0.as_slice()) {
            // A lone key without an id, such as a PEM file or the secret, serves whatever the token calls it.
            (_, [only]) if only.id.is_none() => Some(only),
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|key| key.id.as_ref() == Some(id)),
        };
        let key = key.ok_or(Refusal::UnknownKey)?;
        if algorithm_name(key.algorithm) == Some(header.algorithm.as_str()) {
            Ok(key)
        } else {
            Err(Refusal::Algorithm)
        }
    }
}

/// The algorithms that keys are pinned to, as headers spell them.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive, and what is not named is refused"
)]
fn algorithm_name(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::HS256 => Some("HS256"),
        Algorithm::RS256 => Some("RS256"),
        Algorithm::ES256 => Some("ES256"),
        Algorithm::EdDSA => Some("EdDSA"),
        _ => None,
    }
}
