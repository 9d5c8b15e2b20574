//! Watches the workers, gives up those that are stuck, and fills the places of those that are lost.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, after, select};

use super::{Common, Replacements, Watch, Worker, answer, exchange};
use crate::vision::{FaceBackend, VisionError};

/// How often the watches are looked at, at the least.
const ROUND: Duration = Duration::from_millis(250);
/// How long a place stays empty after a fresh backend could not be made.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The thread that looks after the workers.
pub(super) struct Supervisor {
    common: Common,
    /// Ends with the last handle on the engine.
    lifeline: Receiver<()>,
    replacements: Option<Replacements>,
    /// One for each place, and those of stuck threads, which have no place any more.
    places: Vec<Arc<Mutex<Watch>>>,
    given_up: Vec<Arc<Mutex<Watch>>>,
    /// No backend is made before it.
    retry_at: Instant,
}

impl Supervisor {
    pub(super) fn new(
        common: Common,
        lifeline: Receiver<()>,
        replacements: Option<Replacements>,
    ) -> Self {
        Self {
            common,
            lifeline,
            replacements,
            places: Vec::new(),
            given_up: Vec::new(),
            retry_at: Instant::now(),
        }
    }

    /// Starts a worker for each backend, and the supervisor's own thread.
    pub(super) fn start(mut self, backends: Vec<Box<dyn FaceBackend>>) {
        self.places = backends
            .iter()
            .map(|_| Arc::new(Mutex::new(Watch::Ended)))
            .collect();
        for (index, backend) in backends.into_iter().enumerate() {
            if let Err(error) = self.fill(index, backend) {
                tracing::error!(error, "cannot start a worker thread");
            }
        }
        let thread = thread::Builder::new().name("vision-supervisor".to_owned());
        if let Err(error) = thread.spawn(move || self.supervise()) {
            tracing::error!(%error, "cannot start the thread that looks after the workers");
        }
    }

    fn fill(&mut self, index: usize, backend: Box<dyn FaceBackend>) -> Result<(), String> {
        let watch = Arc::new(Mutex::new(Watch::Idle));
        let worker = Worker {
            backend,
            watch: Arc::clone(&watch),
            common: self.common.clone(),
        };
        worker.start(index).map_err(|error| error.to_string())?;
        self.places[index] = watch;
        Ok(())
    }

    fn supervise(mut self) {
        let patience = self.replacements.as_ref().map(|r| r.patience);
        let round = patience.map_or(ROUND, |patience| ROUND.min(patience / 4));
        while matches!(
            self.lifeline.recv_timeout(round),
            Err(RecvTimeoutError::Timeout)
        ) {
            self.give_up_the_stuck();
            self.replace_the_lost();
            if self.is_deserted() {
                self.refuse_for(round);
            }
        }
    }

    fn give_up_the_stuck(&mut self) {
        let Some(patience) = self.replacements.as_ref().map(|r| r.patience) else {
            return;
        };
        let Common { counts, turns, .. } = &self.common;
        for watch in &self.places {
            let mut overdue = false;
            exchange(watch, |now| {
                overdue = matches!(now, Watch::Busy(since) if since.elapsed() > patience);
                if !overdue {
                    return now;
                }
                counts.working.fetch_sub(1, Ordering::Relaxed);
                counts.stuck.fetch_add(1, Ordering::Relaxed);
                turns.take_back();
                Watch::Stuck
            });
            if overdue {
                self.given_up.push(Arc::clone(watch));
                tracing::error!("a worker is stuck on a picture and was given up");
            }
        }
        self.given_up
            .retain(|watch| exchange(watch, |now| now) == Watch::Stuck);
    }

    fn replace_the_lost(&mut self) {
        for index in 0..self.places.len() {
            if !self.is_lost(index) || !self.may_replace(index) || Instant::now() < self.retry_at {
                continue;
            }
            let Some(replacements) = self.replacements.as_mut() else {
                return;
            };
            let filled = (replacements.make)().and_then(|backend| self.fill(index, backend));
            match filled {
                Ok(()) => {
                    self.common.counts.replaced.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!("a lost worker has a successor");
                }
                Err(error) => {
                    tracing::error!(error, "a lost worker has no successor yet");
                    self.retry_at = Instant::now() + RETRY_AFTER;
                }
            }
        }
    }

    fn is_lost(&self, index: usize) -> bool {
        matches!(
            exchange(&self.places[index], |now| now),
            Watch::Stuck | Watch::Ended
        )
    }

    /// There is room for as many stuck threads as there are workers: while it lasts, places are filled again.
    fn may_replace(&self, index: usize) -> bool {
        let stuck = exchange(&self.places[index], |now| now) == Watch::Stuck;
        self.replacements.is_some() && !(stuck && self.given_up.len() > self.places.len())
    }

    /// Nobody takes pictures, and nobody will soon.
    fn is_deserted(&self) -> bool {
        (0..self.places.len()).all(|index| self.is_lost(index))
    }

    /// Tells every caller that the workers are lost.
    fn refuse_for(&self, time: Duration) {
        let over = after(time);
        loop {
            select! {
                recv(self.common.jobs) -> job => match job {
                    Ok(job) => answer(job.reply, Err(VisionError::WorkerLost)),
                    Err(_) => return,
                },
                recv(over) -> _ => return,
            }
        }
    }
}
