//! Worker threads behind a bounded queue.
//!
//! Each worker owns its backend, so models run without a lock and off the async threads. A full queue refuses at
//! once. A picture whose caller has gone or whose deadline has passed is skipped before any work. A worker whose
//! backend panics ends, since the state of its sessions is unknown: the engine then reports itself unhealthy and the
//! remaining workers go on. The last one to be lost stays to refuse what waits and what still comes, since a queue
//! that nobody empties would hold its callers until their deadlines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;
use tracing::Span;

use super::{Analysis, AnalysisRequest, FaceBackend, VisionError};

struct Job {
    encoded: Vec<u8>,
    request: AnalysisRequest,
    deadline: Instant,
    span: Span,
    reply: oneshot::Sender<Result<Analysis, VisionError>>,
}

/// Cheap handle on the workers; they end when the last handle is dropped.
#[derive(Clone)]
pub struct Engine {
    queue: Sender<Job>,
    workers: usize,
    living: Arc<AtomicUsize>,
}

impl Engine {
    /// Starts a thread for each backend. At most `queue_capacity` pictures wait.
    #[must_use]
    pub fn start(backends: Vec<Box<dyn FaceBackend>>, queue_capacity: usize) -> Self {
        let (queue, jobs) = bounded(queue_capacity);
        let workers = backends.len();
        let living = Arc::new(AtomicUsize::new(workers));
        for (index, backend) in backends.into_iter().enumerate() {
            let (jobs, theirs) = (jobs.clone(), Arc::clone(&living));
            let worker = thread::Builder::new().name(format!("vision-{index}"));
            if let Err(error) = worker.spawn(move || work(backend, &jobs, &theirs)) {
                living.fetch_sub(1, Ordering::Relaxed);
                tracing::error!(%error, "cannot start a worker thread");
            }
        }
        Self {
            queue,
            workers,
            living,
        }
    }

    /// Has a picture analysed by the next free worker.
    ///
    /// # Errors
    /// [`VisionError::Overloaded`] at once where the queue is full, [`VisionError::DeadlineExceeded`] where there
    /// is no answer in time, and whatever the backend says.
    pub async fn analyse(
        &self,
        encoded: Vec<u8>,
        request: AnalysisRequest,
        deadline: Instant,
    ) -> Result<Analysis, VisionError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            encoded,
            request,
            deadline,
            span: Span::current(),
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

    /// False once a worker was lost or could not be started; the others go on meanwhile.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.living.load(Ordering::Relaxed) == self.workers
    }

    /// Workers that were started.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
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

fn work(mut backend: Box<dyn FaceBackend>, jobs: &Receiver<Job>, living: &AtomicUsize) {
    for job in jobs {
        if job.reply.is_closed() || Instant::now() >= job.deadline {
            continue;
        }
        let _entered = job.span.enter();
        let analysis = catch_unwind(AssertUnwindSafe(|| {
            backend.analyse(&job.encoded, &job.request)
        }));
        let Ok(result) = analysis else {
            // Before the answer: whoever hears of the loss finds the engine unhealthy.
            let last = living.fetch_sub(1, Ordering::Relaxed) == 1;
            tracing::error!("a worker was lost to a panic");
            answer(job.reply, Err(VisionError::WorkerLost));
            drop(backend);
            if last {
                refuse(jobs);
            }
            return;
        };
        answer(job.reply, result);
    }
}

fn answer(
    reply: oneshot::Sender<Result<Analysis, VisionError>>,
    result: Result<Analysis, VisionError>,
) {
    // The caller may have gone meanwhile; then nobody wants the answer.
    let _ = reply.send(result);
}

/// Tells every caller that the workers are lost, until the last handle goes.
fn refuse(jobs: &Receiver<Job>) {
    for job in jobs {
        answer(job.reply, Err(VisionError::WorkerLost));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use super::super::{Embed, Layout, StageTimings};
    use super::*;

    const REQUEST: AnalysisRequest = AnalysisRequest {
        layout: Layout::Selfie,
        embed: Embed::None,
        liveness: false,
        pose: false,
    };

    /// Answers with the picture's length as its width, after a signal on `gate`; at `b"panic"` it panics.
    struct Scripted {
        gate: Arc<Mutex<mpsc::Receiver<()>>>,
        seen: mpsc::Sender<usize>,
    }

    impl FaceBackend for Scripted {
        fn analyse(
            &mut self,
            encoded: &[u8],
            _: &AnalysisRequest,
        ) -> Result<Analysis, VisionError> {
            self.seen.send(encoded.len()).unwrap();
            assert_ne!(encoded, b"panic", "as the script says");
            self.gate.lock().unwrap().recv().unwrap();
            let width = encoded.len() as u32;
            Ok(Analysis {
                width,
                height: 1,
                faces: Vec::new(),
                timings: StageTimings::default(),
            })
        }
    }

    fn engine(queue_capacity: usize) -> (Engine, mpsc::Sender<()>, mpsc::Receiver<usize>) {
        let (open, gate) = mpsc::channel();
        let (seen, saw) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        let backend = Box::new(Scripted { gate, seen });
        (Engine::start(vec![backend], queue_capacity), open, saw)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn spawn(
        engine: &Engine,
        image: &[u8],
        deadline: Instant,
    ) -> tokio::task::JoinHandle<Result<Analysis, VisionError>> {
        let (engine, image) = (engine.clone(), image.to_vec());
        tokio::spawn(async move { engine.analyse(image, REQUEST, deadline).await })
    }

    /// Waits until a picture is being analysed and gives its length.
    async fn next_seen(saw: &mpsc::Receiver<usize>) -> usize {
        loop {
            match saw.try_recv() {
                Ok(length) => return length,
                Err(mpsc::TryRecvError::Empty) => tokio::task::yield_now().await,
                Err(mpsc::TryRecvError::Disconnected) => panic!("the worker has ended"),
            }
        }
    }

    async fn until_queued(engine: &Engine, depth: usize) {
        while engine.queue_depth() < depth {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_answer_reaches_the_caller_who_asked() {
        let (engine, open, _saw) = engine(1);
        open.send(()).unwrap();
        let answer = engine.analyse(b"abc".to_vec(), REQUEST, soon()).await;
        assert_eq!(answer.unwrap().width, 3);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let (engine, open, saw) = engine(1);
        let first = spawn(&engine, b"a", soon());
        assert_eq!(next_seen(&saw).await, 1);
        let second = spawn(&engine, b"bb", soon());
        until_queued(&engine, 1).await;
        let refused = engine.analyse(b"c".to_vec(), REQUEST, soon()).await;
        assert!(matches!(refused, Err(VisionError::Overloaded)));
        open.send(()).unwrap();
        open.send(()).unwrap();
        assert_eq!(first.await.unwrap().unwrap().width, 1);
        assert_eq!(second.await.unwrap().unwrap().width, 2);
    }

    #[tokio::test]
    async fn late_and_abandoned_pictures_are_skipped() {
        let (engine, open, saw) = engine(8);
        let first = spawn(&engine, b"a", soon());
        assert_eq!(next_seen(&saw).await, 1);
        let late = engine
            .analyse(b"bb".to_vec(), REQUEST, Instant::now())
            .await;
        assert!(matches!(late, Err(VisionError::DeadlineExceeded)));
        let abandoned = spawn(&engine, b"ccc", soon());
        until_queued(&engine, 2).await;
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        let last = spawn(&engine, b"dddd", soon());
        open.send(()).unwrap();
        open.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(last.await.unwrap().unwrap().width, 4);
        assert_eq!(saw.try_iter().collect::<Vec<_>>(), [4]);
    }

    #[tokio::test]
    async fn a_caller_does_not_wait_past_its_deadline_for_a_slow_model() {
        let (engine, open, saw) = engine(1);
        let deadline = Instant::now() + Duration::from_millis(50);
        let slow = engine.analyse(b"a".to_vec(), REQUEST, deadline).await;
        assert!(matches!(slow, Err(VisionError::DeadlineExceeded)));
        assert_eq!(next_seen(&saw).await, 1);
        open.send(()).unwrap();
        open.send(()).unwrap();
        let next = engine.analyse(b"bb".to_vec(), REQUEST, soon()).await;
        assert_eq!(next.unwrap().width, 2, "the worker goes on");
    }

    #[tokio::test]
    async fn a_panic_loses_the_worker_and_the_engine_says_so() {
        let (engine, _open, _saw) = engine(8);
        assert!(engine.is_healthy());
        let lost = engine.analyse(b"panic".to_vec(), REQUEST, soon()).await;
        assert!(matches!(lost, Err(VisionError::WorkerLost)));
        assert!(!engine.is_healthy());
        let after = engine.analyse(b"a".to_vec(), REQUEST, soon()).await;
        assert!(matches!(after, Err(VisionError::WorkerLost)));
    }

    #[tokio::test]
    async fn what_waits_for_the_last_worker_is_refused_when_it_is_lost() {
        let (engine, open, saw) = engine(8);
        let first = spawn(&engine, b"a", soon());
        assert_eq!(next_seen(&saw).await, 1);
        let lost = spawn(&engine, b"panic", soon());
        until_queued(&engine, 1).await;
        let waiting = spawn(&engine, b"bb", soon());
        until_queued(&engine, 2).await;
        open.send(()).unwrap();
        first.await.unwrap().unwrap();
        for refused in [lost, waiting] {
            let answer = refused.await.unwrap();
            assert!(matches!(answer, Err(VisionError::WorkerLost)), "{answer:?}");
        }
        drop(engine);
        while let Ok(length) = saw.recv_timeout(Duration::from_secs(20)) {
            assert_eq!(length, 5, "only the picture that broke it came after");
        }
    }

    #[tokio::test]
    async fn the_other_workers_go_on_after_one_was_lost() {
        let (open, gate) = mpsc::channel();
        let (seen, saw) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        let backend = || -> Box<dyn FaceBackend> {
            Box::new(Scripted {
                gate: Arc::clone(&gate),
                seen: seen.clone(),
            })
        };
        let engine = Engine::start(vec![backend(), backend()], 8);
        let lost = engine.analyse(b"panic".to_vec(), REQUEST, soon()).await;
        assert!(matches!(lost, Err(VisionError::WorkerLost)));
        open.send(()).unwrap();
        let next = engine.analyse(b"a".to_vec(), REQUEST, soon()).await;
        assert_eq!(next.unwrap().width, 1);
        assert_eq!(saw.try_iter().collect::<Vec<_>>(), [5, 1]);
    }

    #[tokio::test]
    async fn the_workers_end_with_the_last_handle() {
        let (engine, _open, saw) = engine(1);
        let last = engine.clone();
        drop(engine);
        assert_eq!(saw.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(last);
        // The worker's end of the channel goes with the worker.
        assert_eq!(
            saw.recv_timeout(Duration::from_secs(20)),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
    }
}
