//! Which galleries are in memory: as many as fit, the longest unused go first.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

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
    /// Whole galleries are read one after the other: each reading keeps a connection busy, and needs room of its own.
    loading: Arc<Semaphore>,
    max_bytes: usize,
}

#[derive(Default)]
struct State {
    slots: HashMap<GalleryKey, Slot>,
    /// Galleries that somebody is taking in at this moment; true where faces of it have gone meanwhile.
    claimed: HashMap<GalleryKey, bool>,
    /// Galleries that were found to be too large.
    unfit: HashSet<GalleryKey>,
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

impl Claim {
    /// Whether faces of the gallery have gone since the claim was made or this was last asked.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        let mut state = self.galleries.lock();
        let gone = state.claimed.get_mut(&self.key);
        gone.is_some_and(std::mem::take)
    }
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
            loading: Arc::new(Semaphore::new(1)),
            max_bytes,
        }
    }

    /// The codes of a gallery, if they are here, for a search: that counts as a use.
    #[must_use]
    pub fn find(&self, key: &GalleryKey) -> Option<Arc<RwLock<Codes>>> {
        let mut state = self.lock();
        state.clock += 1;
        let now = state.clock;
        let slot = state.slots.get_mut(key)?;
        slot.last_use = now;
        Some(Arc::clone(&slot.codes))
    }

    /// The codes of a gallery, if they are here.
    #[must_use]
    pub fn peek(&self, key: &GalleryKey) -> Option<Arc<RwLock<Codes>>> {
        let state = self.lock();
        state.slots.get(key).map(|slot| Arc::clone(&slot.codes))
    }

    /// The turn to read a whole gallery, which one at a time has.
    pub async fn turn_to_load(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.loading.acquire().await.ok()
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
        let mut state = self.lock();
        if state.claimed.contains_key(key) {
            return None;
        }
        state.claimed.insert(key.clone(), false);
        Some(Claim {
            galleries: self.clone(),
            key: key.clone(),
        })
    }

    /// Whether codes of that many bytes may be kept at all. `told` hears it the first time that they may not be.
    pub fn fits(&self, key: &GalleryKey, bytes: usize, told: impl FnOnce()) -> bool {
        let mut state = self.lock();
        if bytes <= self.max_bytes {
            state.unfit.remove(key);
            return true;
        }
        if state.unfit.insert(key.clone()) {
            told();
        }
        false
    }

    /// Drops the longest unused galleries until there is room for that many bytes.
    pub fn make_room(&self, bytes: usize) {
        self.lock().shrink(self.max_bytes.saturating_sub(bytes));
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
        // To be brought up to date is no use: only a search is.
        let last_use = match state.slots.get(&key) {
            Some(slot) => slot.last_use,
            None => state.clock,
        };
        let slot = Slot {
            codes,
            bytes,
            last_use,
        };
        state.slots.insert(key, slot);
        state.shrink(self.max_bytes);
        true
    }

    /// Drops the codes of a gallery.
    pub fn forget(&self, key: &GalleryKey) {
        self.lock().slots.remove(key);
    }

    /// Takes faces that are gone out of a gallery's codes. Whoever is taking the gallery in, perhaps as it was before
    /// they went, learns of it.
    pub fn erase(&self, key: &GalleryKey, face_revisions: &[i64]) {
        let mut state = self.lock();
        if let Some(gone) = state.claimed.get_mut(key) {
            *gone = true;
        }
        let codes = state.slots.get(key).map(|slot| Arc::clone(&slot.codes));
        drop(state);
        if let Some(codes) = codes {
            let mut codes = codes.write().unwrap_or_else(PoisonError::into_inner);
            face_revisions.iter().for_each(|face| codes.erase(*face));
        }
    }

    /// The same for all galleries of a list that is gone.
    pub fn erase_list(&self, tenant: &TenantId, watchlist_id: WatchlistId) {
        let of_list = |key: &GalleryKey| key.watchlist_id == watchlist_id && key.tenant == *tenant;
        let mut state = self.lock();
        state.slots.retain(|key, _| !of_list(key));
        state.unfit.retain(|key| !of_list(key));
        for (_, gone) in state.claimed.iter_mut().filter(|(key, _)| of_list(key)) {
            *gone = true;
        }
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

    /// Drops the longest unused until the others take no more than that.
    fn shrink(&mut self, max_bytes: usize) {
        while self.bytes() > max_bytes {
            let oldest = self.slots.iter().min_by_key(|(_, slot)| slot.last_use);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            self.slots.remove(&oldest);
        }
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
    fn room_is_made_before_a_gallery_is_read() {
        let galleries = Galleries::new(100 * 80);
        let [a, b] = ["a", "b"].map(key);
        assert!(galleries.keep(a.clone(), codes(40)) && galleries.keep(b.clone(), codes(40)));
        assert!(galleries.find(&a).is_some());
        // Brought up to date, it is none the more in use.
        assert!(galleries.keep(b.clone(), codes(48)));
        galleries.make_room(48 * 80);
        assert!(galleries.peek(&a).is_some() && galleries.peek(&b).is_none());
        galleries.make_room(101 * 80);
        assert_eq!(galleries.bytes(), 0);
    }

    #[test]
    fn that_a_gallery_is_too_large_is_told_once() {
        let galleries = Galleries::new(100);
        let (key, told) = (key("a"), std::cell::Cell::new(0));
        let tell = || told.set(told.get() + 1);
        assert!(galleries.fits(&key, 100, tell));
        assert!(!galleries.fits(&key, 101, tell) && !galleries.fits(&key, 102, tell));
        assert_eq!(told.get(), 1);
        assert!(galleries.fits(&key, 99, tell) && !galleries.fits(&key, 101, tell));
        assert_eq!(told.get(), 2);
    }

    #[test]
    fn who_takes_a_gallery_in_learns_that_faces_have_gone_meanwhile() {
        let galleries = Galleries::new(1_000);
        let [a, b] = ["a", "b"].map(key);
        let (claim, beside) = (galleries.claim(&a).unwrap(), galleries.claim(&b).unwrap());
        assert!(!claim.is_outdated());
        galleries.erase(&a, &[1]);
        assert!(claim.is_outdated() && !claim.is_outdated());
        galleries.erase_list(&a.tenant, a.watchlist_id);
        assert!(claim.is_outdated() && !beside.is_outdated());
        galleries.erase_list(&b.tenant, a.watchlist_id);
        assert!(!claim.is_outdated(), "of another tenant");
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
