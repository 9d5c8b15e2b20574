//! The keys that tokens are checked with: one algorithm a key, never the token's choice.

mod home;
mod parse;
mod set;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::jwks::{JwksSource, RemoteKeys};
pub use home::home_secret;
pub(super) use parse::{ParsedKeys, parse_jwks};
pub(super) use set::KeySet;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot use the key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is neither PEM nor JWK nor a JWK set.
    #[error("{0} holds no public key as PEM, JWK or JWK set")]
    Unreadable(PathBuf),
    /// A key is of a kind that is not accepted.
    #[error("{path}: {reason}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with the key.
        reason: &'static str,
    },
    /// Keys cannot be fetched with these settings at all.
    #[error("cannot fetch keys: {0}")]
    Client(String),
}

/// Whether tokens can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHealth {
    /// The keys are there and up to date.
    Good,
    /// The last keys serve while the key server is out, or it serves none that can be used.
    Degraded,
    /// There are no keys: nobody gets in.
    Unknown,
}

/// Keys that tokens are checked with.
pub struct TokenKeys(Source);

enum Source {
    Fixed(Arc<KeySet>),
    Remote(RemoteKeys),
}

impl TokenKeys {
    /// A shared secret for HS256.
    #[must_use]
    pub fn secret(secret: &SecretString) -> Self {
        let set = KeySet::of_secret(secret.expose_secret().as_bytes());
        Self(Source::Fixed(Arc::new(set)))
    }

    /// Public keys from a file: one PEM, one JWK or a JWK set, for RS256, ES256 or EdDSA.
    ///
    /// # Errors
    /// [`KeyError`] names the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(|source| KeyError::Io {
            path: path.to_owned(),
            source,
        })?;
        let refused = |reason| KeyError::Refused {
            path: path.to_owned(),
            reason,
        };
        let parsed = parse::parse_file(&text).map_err(refused)?;
        // What somebody put into a file they meant to be used: nothing in it is passed over.
        let parsed = parsed.ok_or_else(|| KeyError::Unreadable(path.to_owned()))?;
        match parsed.refused.first() {
            Some(reason) => Err(refused(reason)),
            None => Ok(Self(Source::Fixed(Arc::new(parsed.keys)))),
        }
    }

    /// Public keys from a URL. They are fetched once before this returns, whether or not the server answers, and
    /// again and again from then on. To be called within a tokio runtime that outlives the keys.
    ///
    /// # Errors
    /// [`KeyError::Client`] where no answer of the server could help.
    pub async fn fetch(source: JwksSource) -> Result<Self, KeyError> {
        let remote = RemoteKeys::start(source).await.map_err(KeyError::Client)?;
        Ok(Self(Source::Remote(remote)))
    }

    /// The keys as they are known now; none where they are not, or no longer.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        match &self.0 {
            Source::Fixed(keys) => Some(Arc::clone(keys)),
            Source::Remote(keys) => keys.current(),
        }
    }

    /// The keys again, where a token names one that is not among them and there may be news.
    pub(super) async fn after_unknown_kid(&self) -> Option<Arc<KeySet>> {
        match &self.0 {
            Source::Fixed(_) => None,
            Source::Remote(keys) => keys.after_unknown_kid().await,
        }
    }

    pub(super) fn health(&self) -> KeyHealth {
        match &self.0 {
            Source::Fixed(_) => KeyHealth::Good,
            Source::Remote(keys) => keys.health(),
        }
    }
}
