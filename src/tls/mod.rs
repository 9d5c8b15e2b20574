//! TLS by configuration: a certificate and its key from files, TLS 1.2 and 1.3 with aws-lc-rs, nothing older.
//!
//! The files are looked at again and again, and what is new in them serves the next connections. A pair that does not
//! fit together, as in the middle of an exchange, leaves the last one in force.

mod local;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

pub use local::local_client;

/// How often the files are looked at.
pub const RECHECK: Duration = Duration::from_secs(10);

/// What is spoken.
static VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no certificate in the file.
    #[error("{0} holds no certificate as PEM")]
    NoCertificate(PathBuf),
    /// There is no private key in the file.
    #[error("{0} holds no private key as PEM")]
    NoKey(PathBuf),
    /// They cannot be used, or not together.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate that is read again when its files change.
#[derive(Debug)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    files: [Vec<u8>; 2],
    pair: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads a chain and a private key, both as PEM.
    ///
    /// # Errors
    /// [`TlsError`] where they cannot be read or do not belong together.
    pub fn load(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let files = [read(&certificate)?, read(&key)?];
        let pair = pair(&certificate, &key, &files)?;
        Ok(Self {
            certificate,
            key,
            current: RwLock::new(Loaded { files, pair }),
        })
    }

    /// Takes over what is new in the files. False where nothing is.
    ///
    /// # Errors
    /// [`TlsError`] where it cannot be used; what was in force stays so.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let files = [read(&self.certificate)?, read(&self.key)?];
        {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            if current.files == files {
                return Ok(false);
            }
        }
        let pair = pair(&self.certificate, &self.key, &files)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Loaded { files, pair };
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.pair))
    }
}

/// How to serve with a certificate.
///
/// # Errors
/// [`TlsError::Unusable`] where the versions are not supported.
pub fn server_config(certificate: Arc<Certificate>) -> Result<ServerConfig, TlsError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    Ok(config)
}

/// Keeps a certificate as its files are, for as long as the service runs.
pub async fn keep_current(certificate: Arc<Certificate>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        ticks.tick().await;
        match certificate.refresh() {
            Ok(changed) => {
                if changed {
                    tracing::info!("the TLS certificate was read anew");
                }
                told = None;
            }
            // Once for each fault: it may last.
            Err(error) => {
                let fault = error.to_string();
                if told.as_ref() != Some(&fault) {
                    tracing::warn!(%error, "the TLS certificate was not read anew; the last one serves");
                }
                told = Some(fault);
            }
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Io {
        path: path.to_owned(),
        source,
    })
}

fn pair(
    certificate: &Path,
    key: &Path,
    [chain_pem, key_pem]: &[Vec<u8>; 2],
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::NoCertificate(certificate.to_owned()))?;
    let private = PrivateKeyDer::from_pem_slice(key_pem);
    let private = private.map_err(|_| TlsError::NoKey(key.to_owned()))?;
    Ok(Arc::new(CertifiedKey::from_der(
        chain,
        private,
        &provider(),
    )?))
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;

    use super::*;

    fn pem() -> [String; 2] {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        [made.cert.pem(), made.signing_key.serialize_pem()]
    }

    fn served(certificate: &Certificate) -> Vec<u8> {
        let current = certificate.current.read().unwrap();
        current.pair.cert[0].to_vec()
    }

    #[test]
    fn a_new_pair_is_taken_over_and_one_that_does_not_fit_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        let write = |at: usize, text: &str| fs::write(&paths[at], text).unwrap();
        let [old, old_key] = pem();
        let [new, new_key] = pem();
        write(0, &old);
        write(1, &old_key);
        let certificate = Certificate::load(paths[0].clone(), paths[1].clone()).unwrap();
        let first = served(&certificate);
        assert!(!certificate.refresh().unwrap());
        write(0, &new);
        assert!(matches!(certificate.refresh(), Err(TlsError::Unusable(_))));
        write(0, "nothing");
        assert!(matches!(
            certificate.refresh(),
            Err(TlsError::NoCertificate(_))
        ));
        assert_eq!(served(&certificate), first);
        write(0, &new);
        write(1, &new_key);
        assert!(certificate.refresh().unwrap());
        assert_ne!(served(&certificate), first);
        fs::remove_file(&paths[1]).unwrap();
        assert!(matches!(certificate.refresh(), Err(TlsError::Io { .. })));
    }

    #[test]
    fn a_fault_names_the_file_and_shows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        fs::write(&cert, &pem()[0]).unwrap();
        fs::write(&key, "hunter2").unwrap();
        let error = Certificate::load(cert, key.clone())
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            format!("{} holds no private key as PEM", key.display())
        );
    }
}
