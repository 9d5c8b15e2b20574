//! Worker threads behind a bounded queue, and a supervisor that replaces those that are lost.
//!
//! Each worker owns its backend, so models run without a lock and off the async threads. A full queue refuses at
//! once. A picture whose caller has gone or whose deadline has passed is skipped before any work.
//!
//! A worker is lost in two ways. Its backend **panics**: the state of its sessions is unknown, so its thread ends.
//! Or it is **stuck**: it works on one picture for longer than the engine's patience. Nothing can stop a thread that
//! loops in a decoder, so it is given up: its caller was answered at the deadline, its thread is left alone, and
//! should it ever come back, it ends. The protocol:
//!
//! 1. A worker writes into its [`Watch`] when it starts on a picture and when it is done.
//! 2. The supervisor looks at every watch now and then. A worker that is past its time is marked lost there, under the
//!    watch's lock, so that coming back and being given up cannot both happen. Its turn at the cores ([`turns`]) is taken
//!    back, so that others do not wait for it.
//! 3. The supervisor fills the place of a lost worker with a fresh backend, one at a time. Stuck threads hold memory
//!    and a core each, so there is room for as many of them as there are workers, and no more.
//! 4. Without a worker, and without a way to get one, the supervisor refuses whatever waits and still comes, since a
//!    queue that nobody empties would hold its callers until their deadlines.
//!
//! Everything ends with the last handle, except threads that are stuck.

mod spans;
mod supervisor;
#[cfg(test)]
mod tests;
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;
use tracing::Span;

use super::{Analysis, AnalysisRequest, Encoded, FaceBackend, VisionError};
use supervisor::Supervisor;
use turns::Turns;

struct Job {
    encoded: Encoded,
    request: AnalysisRequest,
    sent: Instant,
    deadline: Instant,
    span: Span,
    /// Ends when a worker takes the picture, or nobody does.
    waiting: Span,
    reply: oneshot::Sender<Result<Analysis, VisionError>>,
}

/// Where backends come from in place of lost ones, and when a worker counts as lost.
pub struct Replacements {
    /// Makes a fresh backend, or says why it cannot.
    pub make: Box<dyn FnMut() -> Result<Box<dyn FaceBackend>, String> + Send>,
    /// How long one picture may take. Beyond it the worker is stuck.
    pub patience: Duration,
}

/// How the workers are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Workers {
    /// How many there should be.
    pub wanted: usize,
    /// How many take pictures.
    pub working: usize,
    /// Threads that were given up and have not come back.
    pub stuck: usize,
    /// How many lost workers got a successor so far.
    pub replaced: usize,
}

/// What the threads write and the handles read.
#[derive(Default)]
struct Counts {
    working: AtomicUsize,
    stuck: AtomicUsize,
    replaced: AtomicUsize,
}

/// Cheap handle on the workers; they end when the last handle is dropped.
#[derive(Clone)]
pub struct Engine {
    queue: Sender<Job>,
    wanted: usize,
    counts: Arc<Counts>,
    /// Nothing is ever sent: the supervisor notices when the last one is dropped.
    _handles: Sender<()>,
    turns: Arc<Turns>,
    /// Threads of their own that read machine-readable zones, so that faces are looked at meanwhile.
    readers: Option<Box<Engine>>,
}

impl Engine {
    /// Starts a thread for each backend. At most `queue_capacity` pictures wait. Lost workers are not replaced.
    #[must_use]
    pub fn start(backends: Vec<Box<dyn FaceBackend>>, queue_capacity: usize) -> Self {
        Self::launch(backends, queue_capacity, None, Arc::default())
    }

    /// The same, with replacements for workers that are lost.
    #[must_use]
    pub fn start_replacing(
        backends: Vec<Box<dyn FaceBackend>>,
        queue_capacity: usize,
        replacements: Replacements,
    ) -> Self {
        Self::launch(backends, queue_capacity, Some(replacements), Arc::default())
    }

    fn launch(
        backends: Vec<Box<dyn FaceBackend>>,
        queue_capacity: usize,
        replacements: Option<Replacements>,
        turns: Arc<Turns>,
    ) -> Self {
        let (queue, jobs) = bounded(queue_capacity);
        let (handles, lifeline) = bounded(0);
        let wanted = backends.len();
        let counts = Arc::new(Counts::default());
        turns.allow(wanted);
        let common = Common {
            jobs,
            counts: Arc::clone(&counts),
            turns: Arc::clone(&turns),
        };
        Supervisor::new(common, lifeline, replacements).start(backends);
        Self {
            queue,
            wanted,
            counts,
            _handles: handles,
            turns,
            readers: None,
        }
    }

    /// The same with workers for machine-readable zones, which take turns with those for faces: of both together, no more work
    /// at once than there are of either. Lost ones are replaced where it is said how.
    #[must_use]
    pub fn with_readers(
        self,
        backends: Vec<Box<dyn FaceBackend>>,
        queue_capacity: usize,
        replacements: Option<Replacements>,
    ) -> Self {
        let turns = Arc::clone(&self.turns);
        let readers = Self::launch(backends, queue_capacity, replacements, turns);
        Self {
            readers: Some(Box::new(readers)),
            ..self
        }
    }

    /// The workers that read machine-readable zones, where there are any.
    #[must_use]
    pub fn readers(&self) -> Option<&Self> {
        self.readers.as_deref()
    }

    /// Has a picture analysed by the next free worker.
    ///
    /// # Errors
    /// [`VisionError::Overloaded`] at once where the queue is full, [`VisionError::DeadlineExceeded`] where there
    /// is no answer in time, and whatever the backend says.
    pub async fn analyse(
        &self,
        encoded: impl Into<Encoded>,
        request: AnalysisRequest,
        deadline: Instant,
    ) -> Result<Analysis, VisionError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            encoded: encoded.into(),
            request,
            sent: Instant::now(),
            deadline,
            span: Span::current(),
            waiting: spans::queue(),
            reply,
        };
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => VisionError::Overloaded,
            TrySendError::Disconnected(_) => VisionError::WorkerLost,
        })?;
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(VisionError::WorkerLost),
            Err(_) => Err(VisionError::DeadlineExceeded),
        }
    }

    /// How the workers are.
    #[must_use]
    pub fn workers(&self) -> Workers {
        Workers {
            wanted: self.wanted,
            working: self.counts.working.load(Ordering::Relaxed),
            stuck: self.counts.stuck.load(Ordering::Relaxed),
            replaced: self.counts.replaced.load(Ordering::Relaxed),
        }
    }

    /// False while a worker is missing; the others go on meanwhile.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.workers().working == self.wanted && self.readers().is_none_or(Self::is_healthy)
    }

    /// Pictures that may wait for a worker.
    #[must_use]
    pub fn queue_capacity(&self) -> usize {
        self.queue.capacity().unwrap_or(usize::MAX)
    }

    /// Pictures that wait for a worker.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.queue.len()
    }
}

/// What a worker does, as the supervisor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// It waits for a picture.
    Idle,
    /// It works on one since then.
    Busy(Instant),
    /// It was given up.
    Stuck,
    /// Its thread has ended.
    Ended,
}

/// A watch is one word: whoever panicked while it held the lock left it whole.
fn exchange(watch: &Mutex<Watch>, change: impl FnOnce(Watch) -> Watch) -> Watch {
    let mut current = watch.lock().unwrap_or_else(PoisonError::into_inner);
    let before = *current;
    *current = change(before);
    before
}

/// What all workers have in common.
#[derive(Clone)]
struct Common {
    jobs: Receiver<Job>,
    counts: Arc<Counts>,
    turns: Arc<Turns>,
}

/// One worker thread: its own end of what it shares.
struct Worker {
    backend: Box<dyn FaceBackend>,
    watch: Arc<Mutex<Watch>>,
    common: Common,
}

impl Worker {
    fn start(self, index: usize) -> std::io::Result<()> {
        // Before the thread, so that an engine is healthy as soon as it is started.
        let counts = Arc::clone(&self.common.counts);
        counts.working.fetch_add(1, Ordering::Relaxed);
        let thread = thread::Builder::new().name(format!("vision-{index}"));
        let started = thread.spawn(move || self.work());
        if started.is_err() {
            counts.working.fetch_sub(1, Ordering::Relaxed);
        }
        started.map(drop)
    }

    fn work(mut self) {
        let Common {
            jobs,
            counts,
            turns,
        } = self.common;
        for job in jobs {
            let turn = turns.wait(job.sent);
            if job.reply.is_closed() || Instant::now() >= job.deadline {
                continue;
            }
            drop(job.waiting);
            let _entered = job.span.enter();
            let working = spans::analysis(&job.request).entered();
            let begun = Instant::now();
            exchange(&self.watch, |_| Watch::Busy(begun));
            let analysis = catch_unwind(AssertUnwindSafe(|| {
                self.backend.analyse_shared(&job.encoded, &job.request)
            }));
            let panicked = analysis.is_err();
            let before = exchange(&self.watch, |now| match now {
                Watch::Stuck => Watch::Ended,
                Watch::Idle | Watch::Busy(_) | Watch::Ended if panicked => Watch::Ended,
                Watch::Idle | Watch::Busy(_) | Watch::Ended => Watch::Idle,
            });
            if before == Watch::Stuck {
                counts.stuck.fetch_sub(1, Ordering::Relaxed);
                turn.forget();
                tracing::warn!("a worker that was given up has come back and ends");
                return;
            }
            if panicked {
                // Before the answer: whoever hears of the loss finds the engine unhealthy.
                counts.working.fetch_sub(1, Ordering::Relaxed);
                tracing::error!("a worker was lost to a panic");
            }
            let mut analysis = analysis.unwrap_or(Err(VisionError::WorkerLost));
            if let Ok(analysis) = &mut analysis {
                analysis.timings.queue = begun - job.sent;
                spans::note(&working, &analysis.timings);
            }
            // Before the answer, after which the trace may be complete.
            drop(working);
            answer(job.reply, analysis);
            if panicked {
                return;
            }
        }
    }
}

fn answer(
    reply: oneshot::Sender<Result<Analysis, VisionError>>,
    result: Result<Analysis, VisionError>,
) {
    // The caller may have gone meanwhile; then nobody wants the answer.
    let _ = reply.send(result);
}
