//! Whose turn it is at the cores.
//!
//! Faces and zones have threads of their own, together more than there are cores. If all of them worked at the same time, each
//! would take twice as long, and hold its picture and tensors for as long. So only as many work as there are turns, and of
//! those that wait, the one whose picture was sent first goes first.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Turns, shared by all threads that take them.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many may work at once.
    all: usize,
    taken: usize,
    /// When the pictures were sent whose threads wait, and what tells those apart that were sent together.
    waiting: BTreeSet<(Instant, usize)>,
    next: usize,
}

impl Turns {
    /// Has at least so many work at once from now on.
    pub(super) fn allow(&self, all: usize) {
        let mut state = self.lock();
        state.all = state.all.max(all);
        self.changed.notify_all();
    }

    /// Waits for a turn to work on a picture that was sent then.
    pub(super) fn wait(self: &Arc<Self>, sent: Instant) -> Turn {
        let mut state = self.lock();
        let ticket = (sent, state.next);
        state.next += 1;
        state.waiting.insert(ticket);
        while state.taken >= state.all || state.waiting.first() != Some(&ticket) {
            let changed = self.changed.wait(state);
            state = changed.unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.remove(&ticket);
        state.taken += 1;
        // The next in line may have a turn as well.
        self.changed.notify_all();
        Turn(Arc::clone(self))
    }

    /// Takes a turn back from a thread that will not give it back.
    pub(super) fn take_back(&self) {
        self.lock().taken -= 1;
        self.changed.notify_all();
    }

    /// Whoever panicked while it held the lock left it whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn; dropped, it is the next one's.
pub(super) struct Turn(Arc<Turns>);

impl Turn {
    /// Has been taken back already.
    pub(super) fn forget(self) {
        mem::forget(self);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.take_back();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn turns(all: usize) -> Arc<Turns> {
        let turns = Arc::new(Turns::default());
        turns.allow(all);
        turns
    }

    fn until_waiting(turns: &Turns, count: usize) {
        while turns.lock().waiting.len() < count {
            thread::yield_now();
        }
    }

    #[test]
    fn whoever_was_sent_first_is_next_however_long_others_have_waited() {
        let (turns, sent) = (turns(1), Instant::now());
        let order = Mutex::new(Vec::new());
        let held = turns.wait(sent);
        thread::scope(|scope| {
            for (waiting, later) in [3, 1, 2].into_iter().enumerate() {
                let (turns, order) = (&turns, &order);
                scope.spawn(move || {
                    let _turn = turns.wait(sent + Duration::from_secs(later));
                    order.lock().unwrap().push(later);
                });
                until_waiting(turns, waiting + 1);
            }
            drop(held);
        });
        assert_eq!(order.into_inner().unwrap(), [1, 2, 3]);
    }

    #[test]
    fn as_many_work_at_once_as_the_most_that_were_allowed() {
        let (turns, sent) = (turns(2), Instant::now());
        turns.allow(1);
        let held = [turns.wait(sent), turns.wait(sent)];
        thread::scope(|scope| {
            let third = scope.spawn(|| turns.wait(sent));
            until_waiting(&turns, 1);
            assert_eq!(turns.lock().taken, 2);
            turns.allow(3);
            assert_eq!(third.join().unwrap().0.lock().taken, 3);
        });
        drop(held);
        assert_eq!(turns.lock().taken, 0);
    }

    #[test]
    fn a_turn_that_was_taken_back_counts_once() {
        let turns = turns(1);
        let lost = turns.wait(Instant::now());
        turns.take_back();
        let next = turns.wait(Instant::now());
        lost.forget();
        assert_eq!(turns.lock().taken, 1);
        drop(next);
        assert_eq!(turns.lock().taken, 0);
    }
}
