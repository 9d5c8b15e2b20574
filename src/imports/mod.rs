//! Bulk imports: people are put on a watchlist as a durable job.
//!
//! What a caller sends is spooled into a file without a name, unpacked row by row on a thread of its own
//! (`archive`, `ndjson`), and stored, pictures included, before anybody is told that there is a job
//! (`intake`). From then on any process can go on with it (`runner`, `work`): rows are worked off through the
//! same engine and the same enrolment as single requests, and a row is finished in the transaction that enrols its
//! face. Nothing is ever written to a path that an archive names.
//!
//! This part stands on `verify` and `store` and knows no HTTP.

mod archive;
mod directory;
mod fields;
mod filling;
mod finding;
pub mod folder;
mod intake;
mod manifest;
mod ndjson;
mod runner;
mod spool;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

pub use runner::Runner;
pub use spool::{Spool, SpoolError};

use crate::domain::audit::Actor;
use crate::domain::consent::ConsentRule;
use crate::domain::ids::WatchlistId;
use crate::domain::job::Job;
use crate::store::{StoreError, Uncommitted};
use crate::verify::Verifier;

/// Imports that are received at once; each may fill a file of the largest size.
const MAX_RECEIVING: usize = 4;

/// Bounds of one import.
#[derive(Debug, Clone)]
pub struct ImportLimits {
    /// Largest body, and most bytes that its pictures may unpack to.
    pub max_bytes: u64,
    /// Largest encoded picture.
    pub max_image_bytes: usize,
    /// Longest line of a stream.
    pub max_line_bytes: usize,
    /// Whether each row has to name a consent.
    pub consent: ConsentRule,
    /// Folder whose file system holds what is being received.
    pub spool: PathBuf,
}

/// What was received.
#[derive(Debug)]
pub enum Source {
    /// A ZIP of pictures, and a manifest that was sent beside it.
    Archive(std::fs::File, Option<std::fs::File>),
    /// A JSON object a line.
    Ndjson(std::fs::File),
}

/// Why an import was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The archive is not a ZIP that can be read.
    #[error("the archive cannot be read: {0}")]
    InvalidArchive(String),
    /// The manifest cannot be read.
    #[error("the manifest cannot be read: {0}")]
    InvalidManifest(String),
    /// There is not a single row.
    #[error("the import holds no rows")]
    Empty,
    /// It holds more than one import may.
    #[error("the import is too large: {0}")]
    TooLarge(String),
    /// The list is not there, or no longer.
    #[error("no such watchlist")]
    NotFound,
    /// The list is in an embedder that is not there.
    #[error("watchlist {0} is in an embedder that is not there")]
    AnotherEmbedder(WatchlistId),
    /// Too many imports are being received.
    #[error("too many imports are being received")]
    Busy,
    /// What was received cannot be kept or read back.
    #[error("cannot spool an import")]
    Spool(#[from] std::io::Error),
    /// The thread that unpacks broke down.
    #[error("unpacking broke down")]
    Unpacking,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        // The list, and the job with it, was deleted meanwhile.
        if matches!(error, StoreError::MissingReference { .. }) {
            Self::NotFound
        } else {
            Self::Store(error)
        }
    }
}

/// Cheap handle: takes imports in and wakes the runner.
#[derive(Clone)]
pub struct Imports {
    verifier: Verifier,
    limits: Arc<ImportLimits>,
    receiving: Arc<Semaphore>,
    wake: Arc<Notify>,
}

impl Imports {
    /// Takes imports in for the use cases' store.
    #[must_use]
    pub fn new(verifier: Verifier, limits: ImportLimits) -> Self {
        Self {
            verifier,
            limits: Arc::new(limits),
            receiving: Arc::new(Semaphore::new(MAX_RECEIVING)),
            wake: Arc::new(Notify::new()),
        }
    }

    /// What works jobs off, in this process.
    #[must_use]
    pub fn runner(&self) -> Runner {
        Runner::new(self.verifier.clone(), Arc::clone(&self.wake))
    }

    /// Largest body.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.limits.max_bytes
    }

    /// Lets one more import in, as long as the permit lives.
    ///
    /// # Errors
    /// [`ImportError::Busy`] where enough are being received.
    pub fn admit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, ImportError> {
        Arc::clone(&self.receiving)
            .try_acquire_owned()
            .map_err(|_| ImportError::Busy)
    }

    /// A file without a name for a part of a body, of which `used` bytes are elsewhere already.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn spool(&self, used: u64) -> std::io::Result<Spool> {
        Spool::create(
            &self.limits.spool,
            self.limits.max_bytes.saturating_sub(used),
        )
    }

    /// Stores every row of what was received and makes it a job. The caller commits, and wakes whoever works on it.
    ///
    /// # Errors
    /// [`ImportError`]; there is no job then.
    pub async fn accept(
        &self,
        actor: &Actor,
        watchlist: WatchlistId,
        source: Source,
    ) -> Result<Uncommitted<Job>, ImportError> {
        if self.verifier.is_foreign(&actor.tenant, watchlist).await? {
            return Err(ImportError::AnotherEmbedder(watchlist));
        }
        let store = self.verifier.store();
        intake::store_rows(store, actor, watchlist, source, &self.limits).await
    }

    /// Has the runner of this process look for jobs at once.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}
