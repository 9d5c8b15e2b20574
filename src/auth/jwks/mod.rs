//! Keys from the issuer's key server.
//!
//! One task fetches: at the start, then at an interval, sooner after a failure, and when a token names a key that is
//! not known, for that reason at most once in [`UNKNOWN_KID_INTERVAL`]. A set that arrives replaces the one before, so
//! a key that is gone from it is refused from then on. A set that does not arrive leaves the last one in force for
//! a limited time; after that there are no keys, and nobody gets in.

mod address;
mod client;
mod refresh;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::keys::{KeyHealth, KeySet};
use client::KeyServer;
use refresh::Known;

/// Anybody can send tokens that name unknown keys; the key server hears of it once in this time.
const UNKNOWN_KID_INTERVAL: Duration = Duration::from_secs(30);
/// How long a request waits for keys, and the start for the first ones.
const PATIENCE: Duration = Duration::from_secs(6);

/// Where keys come from, and how.
#[derive(Debug, Clone)]
pub struct JwksSource {
    /// The address of the JWK set.
    pub url: Url,
    /// How often it is fetched.
    pub refresh: Duration,
    /// How long the last set serves while no new one can be had.
    pub max_outage: Duration,
    /// Whether the server may stand in a private network, and there speak plain HTTP.
    pub private_network: bool,
    /// A PEM file with certificates to trust beside the system's.
    pub extra_roots: Option<PathBuf>,
}

/// Handle on the task that keeps the keys up to date; the task ends with it.
pub(super) struct RemoteKeys {
    known: watch::Receiver<Known>,
    wanted: Arc<Notify>,
    /// When a token last made us ask, and which fetch brings the answer.
    asked: Mutex<Option<(Instant, u64)>>,
    max_outage: Duration,
    task: AbortHandle,
}

impl RemoteKeys {
    /// Starts the task and waits for its first fetch, whatever comes of it.
    pub(super) async fn start(source: JwksSource) -> Result<Self, String> {
        let server = KeyServer::new(&source)?;
        let wanted = Arc::new(Notify::new());
        let (known, receiver) = watch::channel(Known::default());
        let work = refresh::run(server, source.refresh, Arc::clone(&wanted), known);
        let keys = Self {
            known: receiver,
            wanted,
            asked: Mutex::new(None),
            max_outage: source.max_outage,
            task: tokio::spawn(work).abort_handle(),
        };
        keys.wait_for(1).await;
        Ok(keys)
    }

    /// The keys, unless they are too old to rely on or there never were any.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.known.borrow().keys_younger_than(self.max_outage)
    }

    /// The keys after a fetch that began later than this call, or none where that is not granted.
    pub(super) async fn after_unknown_kid(&self) -> Option<Arc<KeySet>> {
        let fetch = self.ask()?;
        self.wait_for(fetch).await;
        self.current()
    }

    /// The number of the fetch to wait for: a new one, or the one that another request has just asked for.
    fn ask(&self) -> Option<u64> {
        let known = self.known.borrow();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match *asked {
            Some((at, fetch)) if at.elapsed() < UNKNOWN_KID_INTERVAL => {
                (known.finished < fetch).then_some(fetch)
            }
            _ => {
                let fetch = known.started + 1;
                *asked = Some((Instant::now(), fetch));
                self.wanted.notify_one();
                Some(fetch)
            }
        }
    }

    pub(super) fn health(&self) -> KeyHealth {
        let known = self.known.borrow();
        match known.keys_younger_than(self.max_outage) {
            None => KeyHealth::Unknown,
            Some(keys) if known.failing || keys.is_empty() => KeyHealth::Degraded,
            Some(_) => KeyHealth::Good,
        }
    }

    async fn wait_for(&self, fetch: u64) {
        let mut known = self.known.clone();
        let done = known.wait_for(|known| known.finished >= fetch);
        // Too late is as good as not at all: the caller looks at what there is.
        let _ = tokio::time::timeout(PATIENCE, done).await;
    }
}

impl Drop for RemoteKeys {
    fn drop(&mut self) {
        self.task.abort();
    }
}
