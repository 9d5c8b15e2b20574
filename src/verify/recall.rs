//! The self-test of searches: does the coarse pass find what comparing everybody finds?
//!
//! Once in a while an enrolled template with noise is searched in its list in both ways. The share of these searches
//! whose first subjects agree is the list's measured recall. It is published, and where it is certainly below the
//! floor the service says that it is degraded.
//!
//! Before that the codes in memory are brought up to date, whether their lists are searched or not: what another replica
//! has deleted does not stay here.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt as _;

use crate::domain::face::Template;
use crate::gallery::GalleryKey;
use crate::metrics::Metrics;
use crate::store::{GalleryMatches, GalleryQuery, Store, StoreError};

/// How often codes are brought up to date where recall is not tested.
const CATCH_UP_EVERY: Duration = Duration::from_secs(10);
/// Searches that the measured recall rests on: the latest of each list.
const WINDOW: usize = 2_000;
/// Share of noise in a probe: its cosine to the enrolled template is about 0.55, that of a poor picture of the person.
const NOISE: f32 = 1.5;
/// Less alike is no match, and not searched for.
const MIN_SIMILARITY: f64 = 0.4;

/// Measures the recall of the galleries in memory. Cheap to clone; all clones share the measurements.
#[derive(Clone)]
pub struct RecallMonitor {
    store: Store,
    metrics: Metrics,
    floor: f64,
    windows: Arc<Mutex<HashMap<GalleryKey, Window>>>,
}

impl RecallMonitor {
    /// A monitor that has measured nothing yet.
    #[must_use]
    pub fn new(store: Store, metrics: Metrics, floor: f64) -> Self {
        Self {
            store,
            metrics,
            floor,
            windows: Arc::default(),
        }
    }

    /// Whether the recall of some list is below the floor, beyond what chance explains.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.lock()
            .values()
            .any(|window| window.upper_bound() < self.floor)
    }

    /// Tests one gallery after the other, for ever. With no time between two tests there are none; the codes are brought
    /// up to date all the same.
    pub async fn run(self, every: Duration) {
        let tests = !every.is_zero();
        let mut ticks = tokio::time::interval(if tests { every } else { CATCH_UP_EVERY });
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.catch_up().await;
            if tests {
                self.test_any().await;
            }
        }
    }

    /// Brings the codes of every gallery in memory up to date; those of lists that are gone go.
    pub async fn catch_up(&self) {
        for key in self.store.galleries().keys() {
            if let Err(error) = self.store.catch_up(&key).await {
                tracing::warn!(
                    watchlist.id = %key.watchlist_id,
                    error = &error as &dyn std::error::Error,
                    "codes were not brought up to date"
                );
            }
        }
        self.forget_others(&self.store.galleries().keys());
    }

    async fn test_any(&self) {
        let keys = self.store.galleries().keys();
        if keys.is_empty() {
            return;
        }
        let key = &keys[rand::rng().random_range(0..keys.len())];
        if let Err(error) = self.test(key).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a search that tests recall failed"
            );
        }
    }

    /// Searches a gallery once in both ways and takes the result in.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer; nothing is taken in then.
    pub async fn test(&self, key: &GalleryKey) -> Result<(), StoreError> {
        let mut transaction = self.store.begin(&key.tenant).await?;
        let Some(enrolled) = transaction.any_template(key).await? else {
            return Ok(());
        };
        let Some(probe) = with_noise(&enrolled) else {
            return Ok(());
        };
        let query = [GalleryQuery {
            watchlist_id: key.watchlist_id,
            min_similarity: MIN_SIMILARITY,
        }];
        let coarse = transaction.search(&query, &probe, 1).await?;
        let exact = transaction.search_exactly(&query, &probe, 1).await?;
        transaction.commit().await?;
        let first = |matches: &[GalleryMatches]| {
            let nearest = matches.first().and_then(|list| list.nearest.first());
            nearest.map(|nearest| nearest.similarity)
        };
        // Of two subjects that are equally near either will do. Enrolled between the two searches, somebody nearer
        // would look like a miss: rare, and on the safe side.
        if let Some(similarity) = first(&exact) {
            self.take_in(key, first(&coarse).is_some_and(|found| found >= similarity));
        }
        Ok(())
    }

    fn take_in(&self, key: &GalleryKey, found: bool) {
        let mut windows = self.lock();
        let window = windows.entry(key.clone()).or_default();
        let was_degraded = window.upper_bound() < self.floor;
        window.push(found);
        self.metrics
            .set_search_recall(key.watchlist_id, window.recall());
        if !was_degraded && window.upper_bound() < self.floor {
            tracing::error!(
                watchlist.id = %key.watchlist_id,
                recall = window.recall(),
                searches = window.results.len(),
                "searches of a list miss faces: more LIKENESS_SEARCH_CANDIDATES are needed"
            );
        }
    }

    /// Lists that are gone or no longer in memory are no longer reported.
    fn forget_others(&self, keys: &[GalleryKey]) {
        self.lock().retain(|key, _| {
            let stays = keys.contains(key);
            if !stays {
                self.metrics.forget_search_recall(key.watchlist_id);
            }
            stays
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GalleryKey, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The template with noise in every direction.
fn with_noise(enrolled: &Template) -> Option<Template> {
    let values = enrolled.values();
    // Values between -1 and 1 have a mean square of 1/3.
    let scale = NOISE * (3.0 / values.len() as f32).sqrt();
    let mut rng = rand::rng();
    let noisy = values
        .iter()
        .map(|value| value + scale * rng.random_range(-1.0..1.0_f32));
    Template::normalised(enrolled.model_id(), noisy.collect()).ok()
}

/// The latest results of one list.
#[derive(Default)]
struct Window {
    results: VecDeque<bool>,
    found: usize,
}

impl Window {
    fn push(&mut self, found: bool) {
        self.results.push_back(found);
        self.found += usize::from(found);
        if self.results.len() > WINDOW {
            let oldest = self.results.pop_front();
            self.found -= usize::from(oldest == Some(true));
        }
    }

    fn recall(&self) -> f64 {
        if self.results.is_empty() {
            1.0
        } else {
            self.found as f64 / self.results.len() as f64
        }
    }

    /// The upper end of Wilson's 95 % interval: the recall is not better than this.
    fn upper_bound(&self) -> f64 {
        const Z: f64 = 1.96;
        let n = self.results.len() as f64;
        if n == 0.0 {
            return 1.0;
        }
        let (p, z2) = (self.recall(), Z * Z);
        let margin = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        (p + z2 / (2.0 * n) + margin) / (1.0 + z2 / n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(found: usize, missed: usize) -> Window {
        let mut window = Window::default();
        let results = std::iter::repeat_n(true, found).chain(std::iter::repeat_n(false, missed));
        results.for_each(|found| window.push(found));
        window
    }

    #[test]
    fn a_single_miss_among_many_is_chance_and_several_are_not() {
        assert!(window(0, 0).upper_bound() >= 1.0);
        assert!(window(1_999, 1).upper_bound() > 0.999);
        assert!(window(400, 1).upper_bound() > 0.999);
        assert!(window(1_980, 20).upper_bound() < 0.999);
        assert!(window(5, 15).upper_bound() < 0.999);
        assert!((window(50, 50).upper_bound() - 0.596).abs() < 1e-3);
    }

    #[test]
    fn only_the_latest_results_count() {
        let mut window = window(0, 500);
        (0..WINDOW).for_each(|_| window.push(true));
        assert_eq!((window.recall(), window.results.len()), (1.0, WINDOW));
    }

    #[test]
    fn noise_leaves_a_likeness() {
        let template = Template::normalised("m", vec![1.0; 512]).unwrap();
        let noisy = with_noise(&template).unwrap();
        let similarity = template.similarity(&noisy).unwrap();
        assert!((0.45..0.65).contains(&similarity), "{similarity}");
    }
}
