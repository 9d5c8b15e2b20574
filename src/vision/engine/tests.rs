use std::sync::mpsc;

use super::super::{Layout, StageTimings};
use super::*;

const REQUEST: AnalysisRequest = AnalysisRequest::of(Layout::Selfie);

type Made = Result<Box<dyn FaceBackend>, String>;

/// Answers with the picture's length as its width, after a signal on `gate`; at `b"panic"` it panics.
struct Scripted {
    gate: Arc<Mutex<mpsc::Receiver<()>>>,
    seen: mpsc::Sender<usize>,
}

impl FaceBackend for Scripted {
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        _: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        let encoded = encoded.bytes();
        self.seen.send(encoded.len()).unwrap();
        assert_ne!(encoded, b"panic", "as the script says");
        self.gate.lock().unwrap().recv().unwrap();
        let width = encoded.len() as u32;
        Ok(Analysis {
            width,
            height: 1,
            signature: None,
            faces: Vec::new(),
            zone: None,
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

/// One worker around what `make` gives, again and again, with so much patience.
fn replacing(patience: Duration, mut make: impl FnMut() -> Made + Send + 'static) -> Engine {
    let first = make().unwrap();
    let make = Box::new(make);
    Engine::start_replacing(vec![first], 8, Replacements { make, patience })
}

/// Backends that all wait for the same gate and report to the same ear.
fn scripted() -> (
    impl FnMut() -> Made + Send + 'static,
    mpsc::Sender<()>,
    mpsc::Receiver<usize>,
) {
    let (open, gate) = mpsc::channel();
    let (seen, saw) = mpsc::channel();
    let gate = Arc::new(Mutex::new(gate));
    let make = move || -> Made {
        Ok(Box::new(Scripted {
            gate: Arc::clone(&gate),
            seen: seen.clone(),
        }))
    };
    (make, open, saw)
}

async fn until(engine: &Engine, reached: impl Fn(Workers) -> bool) -> Workers {
    let late = Instant::now() + Duration::from_secs(20);
    loop {
        let workers = engine.workers();
        if reached(workers) {
            return workers;
        }
        assert!(Instant::now() < late, "{workers:?}");
        tokio::task::yield_now().await;
    }
}

/// Stays in `analyse` at `b"stuck"` until its latch is dropped; answers anything else.
struct Sticky {
    latch: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl FaceBackend for Sticky {
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        _: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        let encoded = encoded.bytes();
        if encoded == b"stuck" {
            let never = self.latch.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = never.recv();
        }
        Ok(Analysis {
            width: encoded.len() as u32,
            height: 1,
            signature: None,
            faces: Vec::new(),
            zone: None,
            timings: StageTimings::default(),
        })
    }
}

/// An engine of as many such workers, and what holds its stuck ones back: each waits at a latch of its own.
fn sticky(workers: usize, patience: Duration) -> (Engine, Arc<Mutex<Vec<mpsc::Sender<()>>>>) {
    let latches = Arc::new(Mutex::new(Vec::new()));
    let ours = Arc::clone(&latches);
    let make = move || -> Made {
        let (release, latch) = mpsc::channel();
        ours.lock().unwrap().push(release);
        let latch = Arc::new(Mutex::new(latch));
        Ok(Box::new(Sticky { latch }))
    };
    let backends = (0..workers).map(|_| make().unwrap()).collect();
    let make = Box::new(make);
    let engine = Engine::start_replacing(backends, 8, Replacements { make, patience });
    (engine, latches)
}

#[tokio::test]
async fn a_worker_that_panicked_has_a_successor() {
    let (make, open, _saw) = scripted();
    let engine = replacing(Duration::from_secs(20), make);
    for round in 1..4 {
        let lost = engine.analyse(b"panic".to_vec(), REQUEST, soon()).await;
        assert!(matches!(lost, Err(VisionError::WorkerLost)), "{lost:?}");
        until(&engine, |workers| workers.replaced == round).await;
        assert!(engine.is_healthy());
        open.send(()).unwrap();
        let next = engine.analyse(b"ab".to_vec(), REQUEST, soon()).await;
        assert_eq!(next.unwrap().width, 2);
    }
}

#[tokio::test]
async fn a_worker_that_never_returns_is_given_up_and_replaced_and_its_caller_is_answered() {
    let (engine, _latches) = sticky(1, Duration::from_millis(40));
    let deadline = Instant::now() + Duration::from_millis(20);
    let stuck = engine.analyse(b"stuck".to_vec(), REQUEST, deadline).await;
    assert!(matches!(stuck, Err(VisionError::DeadlineExceeded)));
    // It waits in the queue behind the stuck worker, and its successor takes it.
    let next = engine.analyse(b"abc".to_vec(), REQUEST, soon()).await;
    assert_eq!(next.unwrap().width, 3);
    let expected = Workers {
        wanted: 1,
        working: 1,
        stuck: 1,
        replaced: 1,
    };
    assert_eq!(
        until(&engine, |workers| workers.replaced == 1).await,
        expected
    );
}

#[tokio::test]
async fn stuck_threads_are_bounded_and_beyond_them_callers_are_refused_at_once() {
    let (engine, latches) = sticky(2, Duration::from_millis(20));
    // Two are replaced, the two after them are not.
    for stuck in 1..=4 {
        let deadline = Instant::now() + Duration::from_millis(10);
        let _ = engine.analyse(b"stuck".to_vec(), REQUEST, deadline).await;
        until(&engine, |workers| workers.stuck == stuck).await;
        if stuck <= 2 {
            until(&engine, |workers| workers.working == 2).await;
        }
    }
    let expected = Workers {
        wanted: 2,
        working: 0,
        stuck: 4,
        replaced: 2,
    };
    assert_eq!(engine.workers(), expected);
    let refused = engine.analyse(b"a".to_vec(), REQUEST, soon()).await;
    assert!(
        matches!(refused, Err(VisionError::WorkerLost)),
        "{refused:?}"
    );
    // They come back, end, and their places are filled again.
    latches.lock().unwrap().clear();
    let filled = |workers: Workers| workers.working == 2 && workers.replaced == 4;
    assert_eq!(until(&engine, filled).await.stuck, 0);
    let answer = engine.analyse(b"ab".to_vec(), REQUEST, soon()).await;
    assert_eq!(answer.unwrap().width, 2);
}

#[tokio::test]
async fn without_a_fresh_backend_callers_are_refused_and_it_is_tried_again() {
    let (mut make, _open, _saw) = scripted();
    let mut made = 0;
    let engine = replacing(Duration::from_secs(20), move || {
        made += 1;
        if made == 2 {
            return Err("no model".to_owned());
        }
        make()
    });
    let lost = engine.analyse(b"panic".to_vec(), REQUEST, soon()).await;
    assert!(matches!(lost, Err(VisionError::WorkerLost)));
    let refused = engine.analyse(b"a".to_vec(), REQUEST, soon()).await;
    assert!(
        matches!(refused, Err(VisionError::WorkerLost)),
        "{refused:?}"
    );
    assert!(!engine.is_healthy());
    until(&engine, |workers| workers.replaced == 1).await;
    assert!(engine.is_healthy());
}

#[tokio::test]
async fn faces_and_zones_take_turns_and_none_waits_for_a_thread_that_was_given_up() {
    let (engine, latches) = sticky(1, Duration::from_millis(40));
    let (open, gate) = mpsc::channel();
    let (seen, saw) = mpsc::channel();
    let gate = Arc::new(Mutex::new(gate));
    let engine = engine.with_readers(vec![Box::new(Scripted { gate, seen })], 8, None);
    let readers = engine.readers().unwrap().clone();
    let deadline = Instant::now() + Duration::from_millis(20);
    let stuck = engine.analyse(b"stuck".to_vec(), REQUEST, deadline).await;
    assert!(matches!(stuck, Err(VisionError::DeadlineExceeded)));
    let zone = spawn(&readers, b"zone", soon());
    assert_eq!(next_seen(&saw).await, 4);
    // The reader has the only turn now; the stuck thread that comes back does not bring another.
    latches.lock().unwrap().clear();
    until(&engine, |workers| workers.stuck == 0).await;
    let late = Instant::now() + Duration::from_millis(50);
    let face = engine.analyse(b"face".to_vec(), REQUEST, late).await;
    assert!(matches!(face, Err(VisionError::DeadlineExceeded)));
    open.send(()).unwrap();
    zone.await.unwrap().unwrap();
    let face = engine.analyse(b"face".to_vec(), REQUEST, soon()).await;
    assert_eq!(face.unwrap().width, 4);
}
