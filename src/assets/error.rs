//! What can go wrong with assets. Each fault is one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why assets could not be provisioned.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// Nothing is listed for this platform.
    #[error("there are no assets for {platform}: Likeness runs on {supported}")]
    UnsupportedPlatform {
        /// The platform at hand.
        platform: String,
        /// Those that are listed.
        supported: String,
    },
    /// The committed list does not read.
    #[error("assets.toml cannot be read: {0}")]
    Manifest(#[from] toml::de::Error),
    /// The committed list lacks something that the program needs.
    #[error("assets.toml lists no {name} for this platform")]
    NotListed {
        /// What is needed.
        name: &'static str,
    },
    /// The package client is not installed.
    #[error(
        "{package} has to be fetched, and no client for it was found (tried: {tried}); install one, \
         or copy a complete folder of assets to {root}"
    )]
    ClientMissing {
        /// What was to be fetched.
        package: String,
        /// The commands that were tried.
        tried: String,
        /// Where the assets go.
        root: PathBuf,
    },
    /// The package client failed, for want of a network in most cases.
    #[error(
        "`{command}` failed ({status}), its last words: {last_words}; check the network, \
         or copy a complete folder of assets to {root}"
    )]
    ClientFailed {
        /// What was run.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of what it printed.
        last_words: String,
        /// Where the assets go.
        root: PathBuf,
    },
    /// The package client reported success and left no package.
    #[error("`{command}` left no package behind")]
    NothingFetched {
        /// What was run.
        command: String,
    },
    /// The package cannot be unpacked.
    #[error("{package} cannot be unpacked: {reason}")]
    Archive {
        /// The package's file.
        package: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The package holds something else than it did when its hash was written down.
    #[error(
        "{path} of {package} has SHA-256 {found}, expected is {expected}: the package was altered on its way \
         or replaced, and nothing of it was installed; try again, from another network if it stays so"
    )]
    WrongHash {
        /// What does not match.
        path: String,
        /// The package that it came from.
        package: String,
        /// The hash that assets.toml asks for.
        expected: String,
        /// The hash of what was fetched.
        found: String,
    },
    /// A file or folder cannot be used.
    #[error("cannot {action} {path}: {source}{}", remedy(.source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl AssetError {
    /// For `map_err`: says what was tried with which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    // The many other kinds have nothing that is worth advising.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "ErrorKind is a foreign non-exhaustive enum"
    )]
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the assets need 250 MB while they are fetched"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; set LIKENESS_HOME to a folder that this user can write"
        }
        _ => "",
    }
}
