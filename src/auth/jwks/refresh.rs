//! The task that fetches keys, and what it makes known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::client::{FetchError, KeyServer};
use crate::auth::keys::{KeySet, ParsedKeys, parse_jwks};

/// How soon a failed fetch is tried again, unless the interval is shorter.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// What is known of the issuer's keys.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// The last set that arrived, and when it was asked for.
    keys: Option<(Arc<KeySet>, Instant)>,
    /// Whether the last fetch failed.
    pub(super) failing: bool,
    /// Fetches begun.
    pub(super) started: u64,
    /// Fetches ended, well or not.
    pub(super) finished: u64,
}

impl Known {
    pub(super) fn keys_younger_than(&self, limit: Duration) -> Option<Arc<KeySet>> {
        let (keys, asked_at) = self.keys.as_ref()?;
        (asked_at.elapsed() <= limit).then(|| Arc::clone(keys))
    }
}

/// Fetches for as long as it is let.
pub(super) async fn run(
    server: KeyServer,
    interval: Duration,
    wanted: Arc<Notify>,
    known: watch::Sender<Known>,
) {
    let mut passed_over = Vec::new();
    loop {
        let asked_at = Instant::now();
        known.send_modify(|known| known.started += 1);
        let result = fetch(&server).await;
        log(&result, known.borrow().failing, &mut passed_over);
        let failing = result.is_err();
        known.send_modify(|known| {
            known.finished = known.started;
            known.failing = failing;
            if let Ok(parsed) = result {
                known.keys = Some((Arc::new(parsed.keys), asked_at));
            }
        });
        let pause = if failing {
            interval.min(RETRY_INTERVAL)
        } else {
            interval
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = wanted.notified() => {}
        }
    }
}

async fn fetch(server: &KeyServer) -> Result<ParsedKeys, FetchError> {
    let text = server.fetch().await?;
    parse_jwks(&text).ok_or(FetchError::NoKeySet)
}

/// Says what changed, once.
fn log(
    result: &Result<ParsedKeys, FetchError>,
    was_failing: bool,
    passed_over: &mut Vec<&'static str>,
) {
    match result {
        Err(error) if !was_failing => {
            tracing::error!(%error, "the issuer's keys cannot be fetched; the last ones serve while they may");
        }
        Err(error) => tracing::debug!(%error, "the issuer's keys can still not be fetched"),
        Ok(parsed) => {
            if was_failing {
                tracing::info!("the issuer's keys can be fetched again");
            }
            if parsed.refused != *passed_over {
                passed_over.clone_from(&parsed.refused);
                let reasons = passed_over.join("; ");
                tracing::warn!(count = passed_over.len(), %reasons, "keys of the issuer are not used");
            }
        }
    }
}
