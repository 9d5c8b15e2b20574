//! Which galleries are in memory: as many as fit, the longest unused go first.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::Notify;

use super::Codes;
use crate::domain::ids::{TenantId, WatchlistId};

/// One gallery: the faces of one list that one model made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GalleryKey {
    /// Whose list it is.
    pub tenant: TenantId,
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The model.
    pub model_id: String,
}

/// The galleries in memory. Cheap to clone; all clones share them.
#[derive(Clone)]
pub struct Galleries {
    state: Arc<Mutex<State>>,
    /// Told whenever somebody is done with taking in a gallery.
    released: Arc<Notify>,
    max_bytes: usize,
}

#[derive(Default)]
struct State {
    slots: HashMap<GalleryKey, Slot>,
    /// Galleries that somebody is taking in at this moment.
    claimed: HashSet<GalleryKey>,
    /// Counts uses, to tell which was the last.
    clock: u64,
}

struct Slot {
    codes: Arc<RwLock<Codes>>,
    bytes: usize,
    last_use: u64,
}

/// The right to take in a gallery, which one at a time has; it ends with this value.
pub struct Claim {
    galleries: Galleries,
    key: GalleryKey,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.galleries.lock().claimed.remove(&self.key);
        self.galleries.released.notify_waiters();
    }
}

impl Galleries {
    /// None yet, and never more than `max_bytes` together.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            state: Arc::default(),
            released: Arc::default(),
            max_bytes,
        }
    }

    /// The codes of a gallery, if they are here.
    #[must_use]
    pub fn find(&self, key: &GalleryKey) -> Option<Arc<RwLock<Codes>>> {
        let mut state = self.lock();
        state.clock += 1;
        let now = state.clock;
        let slot = state.slots.get_mut(key)?;
        slot.last_use = now;
        Some(Arc::clone(&slot.codes))
    }

    /// The right to take in a gallery, as soon as nobody else has it.
    pub async fn claimed(&self, key: &GalleryKey) -> Claim {
        loop {
            // Listened for before the attempt, so that a release right after it is not missed.
            let released = self.released.notified();
            if let Some(claim) = self.claim(key) {
                return claim;
            }
            released.await;
        }
    }

    /// The right to take in a gallery; none while somebody else has it.
    #[must_use]
    pub fn claim(&self, key: &GalleryKey) -> Option<Claim> {
        self.lock().claimed.insert(key.clone()).then(|| Claim {
            galleries: self.clone(),
            key: key.clone(),
        })
    }

    /// Keeps the codes of a gallery, instead of older ones. False when they alone are more than may be kept.
    pub fn keep(&self, key: GalleryKey, codes: Arc<RwLock<Codes>>) -> bool {
        let bytes = codes.read().unwrap_or_else(PoisonError::into_inner).bytes();
        let mut state = self.lock();
        if bytes > self.max_bytes {
            state.slots.remove(&key);
            return false;
        }
        state.clock += 1;
        let last_use = state.clock;
        let slot = Slot {
            codes,
            bytes,
            last_use,
        };
        state.slots.insert(key, slot);
        while state.bytes() > self.max_bytes {
            let oldest = state.slots.iter().min_by_key(|(_, slot)| slot.last_use);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            state.slots.remove(&oldest);
        }
        true
    }

    /// Drops the codes of a gallery.
    pub fn forget(&self, key: &GalleryKey) {
        self.lock().slots.remove(key);
    }

    /// Which galleries are here.
    #[must_use]
    pub fn keys(&self) -> Vec<GalleryKey> {
        self.lock().slots.keys().cloned().collect()
    }

    /// Bytes that all of them take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bytes(&self) -> usize {
        self.slots.values().map(|slot| slot.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> GalleryKey {
        GalleryKey {
            tenant: TenantId::parse(name).unwrap(),
            watchlist_id: WatchlistId::new(),
            model_id: "m".to_owned(),
        }
    }

    fn codes(faces: usize) -> Arc<RwLock<Codes>> {
        Arc::new(RwLock::new(Codes::empty(512, faces)))
    }

    #[test]
    fn the_longest_unused_goes_when_there_is_no_room() {
        let galleries = Galleries::new(250 * 80);
        let [a, b, c] = ["a", "b", "c"].map(key);
        assert!(galleries.keep(a.clone(), codes(80)) && galleries.keep(b.clone(), codes(80)));
        assert!(galleries.find(&a).is_some());
        assert!(galleries.keep(c.clone(), codes(160)));
        assert!(galleries.find(&b).is_none(), "b was used last of all");
        assert!(galleries.find(&a).is_some() && galleries.find(&c).is_some());
        assert!(galleries.bytes() <= 250 * 80);
    }

    #[test]
    fn a_gallery_that_cannot_fit_is_not_kept_and_drives_nobody_out() {
        let galleries = Galleries::new(100 * 80);
        let (small, large) = (key("small"), key("large"));
        assert!(galleries.keep(small.clone(), codes(80)));
        assert!(!galleries.keep(large.clone(), codes(1000)));
        assert!(galleries.find(&large).is_none() && galleries.find(&small).is_some());
    }

    #[test]
    fn one_at_a_time_takes_a_gallery_in() {
        let galleries = Galleries::new(1);
        let key = key("a");
        let claim = galleries.claim(&key).unwrap();
        assert!(galleries.claim(&key).is_none());
        drop(claim);
        assert!(galleries.claim(&key).is_some());
    }

    #[tokio::test]
    async fn who_wants_to_take_a_gallery_in_waits_for_who_does() {
        let galleries = Galleries::new(1);
        let key = key("a");
        let claim = galleries.claim(&key).unwrap();
        let mut waiting = std::pin::pin!(galleries.claimed(&key));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        drop(claim);
        assert!(futures_util::poll!(waiting.as_mut()).is_ready());
    }
}
