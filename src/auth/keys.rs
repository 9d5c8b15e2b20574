//! The keys that tokens are checked with: one algorithm a key, never the token's choice.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::verifier::VerificationKey;

/// Shortest RSA modulus, in bytes.
const MIN_RSA_BYTES: usize = 256;
/// Bytes of the home's own key.
const HOME_SECRET_BYTES: usize = 48;

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
}

/// Keys that tokens are checked with.
pub struct TokenKeys(Vec<VerificationKey>);

impl TokenKeys {
    /// A shared secret for HS256.
    #[must_use]
    pub fn secret(secret: &SecretString) -> Self {
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
        Self(vec![VerificationKey {
            id: None,
            algorithm: Algorithm::HS256,
            key,
        }])
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
        Self::parse(&text).map_err(|reason| match reason {
            None => KeyError::Unreadable(path.to_owned()),
            Some(reason) => KeyError::Refused {
                path: path.to_owned(),
                reason,
            },
        })
    }

    pub(super) fn into_keys(self) -> Vec<VerificationKey> {
        self.0
    }

    /// The keys of a text; `Err(None)` where there is none.
    fn parse(text: &str) -> Result<Self, Option<&'static str>> {
        if text.trim_start().starts_with("-----BEGIN") {
            return Ok(Self(vec![pem_key(text.as_bytes())?]));
        }
        let jwks = match serde_json::from_str::<JwkSet>(text) {
            Ok(set) => set.keys,
            Err(_) => vec![serde_json::from_str::<Jwk>(text).map_err(|_| None)?],
        };
        let mut keys: Vec<VerificationKey> = Vec::with_capacity(jwks.len());
        for jwk in &jwks {
            let key = jwk_key(jwk)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(Some("two keys share a kid, or have none"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            Err(None)
        } else {
            Ok(Self(keys))
        }
    }
}

fn pem_key(pem: &[u8]) -> Result<VerificationKey, Option<&'static str>> {
    let (algorithm, key) = if let Ok(key) = DecodingKey::from_ed_pem(pem) {
        (Algorithm::EdDSA, key)
    } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        (Algorithm::ES256, key)
    } else if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        if key.try_get_as_bytes().map_or(0, <[u8]>::len) < MIN_RSA_BYTES {
            return Err(Some("an RSA key needs at least 2048 bits"));
        }
        (Algorithm::RS256, key)
    } else {
        return Err(None);
    };
    Ok(VerificationKey {
        id: None,
        algorithm,
        key,
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive, and what is not named is refused"
)]
fn jwk_key(jwk: &Jwk) -> Result<VerificationKey, Option<&'static str>> {
    if matches!(
        jwk.common.public_key_use,
        Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_))
    ) {
        return Err(Some("a key is not for signatures (`use` is not `sig`)"));
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let modulus_bytes = URL_SAFE_NO_PAD.decode(&rsa.n).map_or(0, |n| n.len());
            if modulus_bytes < MIN_RSA_BYTES {
                return Err(Some("an RSA key needs at least 2048 bits"));
            }
            Algorithm::RS256
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        AlgorithmParameters::OctetKey(_) => {
            return Err(Some(
                "a JWK set must hold public keys only, and this one holds a secret",
            ));
        }
        _ => return Err(Some("only RSA, P-256 and Ed25519 keys are accepted")),
    };
    if !matches!(
        (jwk.common.key_algorithm, algorithm),
        (None, _)
            | (Some(KeyAlgorithm::RS256), Algorithm::RS256)
            | (Some(KeyAlgorithm::ES256), Algorithm::ES256)
            | (Some(KeyAlgorithm::EdDSA), Algorithm::EdDSA)
    ) {
        return Err(Some("only RS256, ES256 and EdDSA are accepted"));
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|_| Some("a key's numbers are not valid"))?;
    Ok(VerificationKey {
        id: jwk.common.key_id.clone(),
        algorithm,
        key,
    })
}

/// The home's own HS256 key, made at random the first time it is asked for.
///
/// # Errors
/// [`KeyError::Io`] where the file can be neither read nor made.
pub fn home_secret(home: &Path) -> Result<SecretString, KeyError> {
    let path = home.join("jwt-secret");
    let failed = |source| KeyError::Io {
        path: path.clone(),
        source,
    };
    match fs::read_to_string(&path) {
        Ok(secret) if secret.len() >= HOME_SECRET_BYTES => return Ok(secret.into()),
        Ok(_) => {
            return Err(KeyError::Refused {
                path,
                reason: "the file is too short to be the home's key",
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    fs::create_dir_all(home).map_err(failed)?;
    let mut bytes = [0_u8; HOME_SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    // Written beside and linked into place: whoever comes second reads the key of whoever came first.
    let draft = home.join(format!(".jwt-secret.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft);
    written
        .and_then(|mut file| {
            file.write_all(secret.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .map_err(failed)?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Ok(()) => Ok(secret.into()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(&path).map(Into::into).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}
