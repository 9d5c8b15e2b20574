//! What can go wrong with the embedded database. Each fault is one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::assets::AssetError;

/// Why the embedded database does not run.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Another process has the home's database.
    #[error(
        "another likeness (process {pid}) uses the database of {home}; stop it, or set LIKENESS_HOME to another folder"
    )]
    InUse {
        /// The home.
        home: PathBuf,
        /// The process that has it.
        pid: String,
    },
    /// PostgreSQL refuses root, and there is no account to run it under.
    #[error(
        "the embedded database does not run as root, and there is none of the accounts {0}; \
         create one, run likeness as an ordinary user, or set DATABASE_URL"
    )]
    NoAccount(String),
    /// There is a database that its account cannot reach any more.
    #[error(
        "the database in {data} cannot be reached by the account {account}; \
         allow it to enter the folders above, or set LIKENESS_HOME to where it can"
    )]
    Unreachable {
        /// Where the database is.
        data: PathBuf,
        /// The account that the server runs under.
        account: String,
    },
    /// A server that an earlier process left behind does not stop.
    #[error(
        "an earlier database server (process {pid}) on {cluster} does not stop; end it and start again"
    )]
    OrphanRemains {
        /// Its process.
        pid: i32,
        /// Its files.
        cluster: PathBuf,
    },
    /// One of the programs failed.
    #[error("{program} failed ({status}): {last_words}")]
    ProgramFailed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of what it printed.
        last_words: String,
    },
    /// The server ended while it started.
    #[error(
        "the database did not start ({status}), its last words: {last_words}; all of them are in {log}"
    )]
    DidNotStart {
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of its log.
        last_words: String,
        /// Its log.
        log: PathBuf,
    },
    /// The server does not get ready.
    #[error("the database is not ready after {seconds} s; see {log}")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },
    /// Its programs cannot be put where its account reaches them.
    #[error(transparent)]
    Program(#[from] AssetError),
    /// A file or folder cannot be used.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl PostgresError {
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
