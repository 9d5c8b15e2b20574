//! What the models alone take: for the faces of a selfie and of a document, both at once, as in the service, for the
//! document's zone beside them, and for whole checks on all threads at once.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::pictures::Pair;
use super::report::{Inference, median};
use crate::assets::InferenceFiles;
use crate::config::Load;
use crate::startup::{load_backends, load_readers, worker_count};
use crate::verify::{DOCUMENT, SELFIE};
use crate::vision::document::ZoneReader;
use crate::vision::{AnalysisRequest, FaceBackend, ImageLimits, OnnxBackend, VisionError};

const ROUNDS: usize = 20;
/// Whole checks of each thread.
const CHECKS: usize = 10;

/// Measures the time in the models that are loaded so.
pub(super) fn measure(
    files: &InferenceFiles,
    load: &Load,
    pair: &Pair,
) -> anyhow::Result<Inference> {
    let threads = worker_count(load.workers).min(worker_count(0));
    let limits = ImageLimits::default();
    let mut backends = load_backends(files, threads.max(2), load.chosen(), limits)?;
    let mut readers = load_readers(files, if load.read_mrz { threads } else { 0 }, limits)?;
    let [first, second, ..] = backends.as_mut_slice() else {
        anyhow::bail!("two backends were asked for");
    };
    let (selfie, document) = side_by_side(
        || spent(first, &pair.selfie, &SELFIE),
        || spent(second, &pair.document, &DOCUMENT),
    )?;
    let zone = match readers.first_mut() {
        Some(reader) => {
            let faces = || {
                let selfie = spent(first, &pair.selfie, &SELFIE)?;
                Ok(selfie + spent(first, &pair.document, &DOCUMENT)?)
            };
            let zone = || spent(reader, &pair.document, &DOCUMENT);
            median(side_by_side(zone, faces)?.0)
        }
        None => 0.0,
    };
    let per_second = saturated(&mut backends[..threads], &mut readers, pair)?;
    Ok(Inference::new(
        median(selfie),
        median(document),
        zone,
        per_second,
    ))
}

/// Checks a second of the models alone on as many threads as run faces, each with models of its own. One at a time they
/// would seem to allow more: what is shared by cores is then theirs alone.
fn saturated(
    backends: &mut [OnnxBackend],
    readers: &mut [ZoneReader],
    pair: &Pair,
) -> anyhow::Result<f64> {
    let together = Barrier::new(backends.len());
    let mut readers = readers.iter_mut();
    thread::scope(|scope| {
        let running = backends.iter_mut().map(|backend| {
            let (mut reader, together) = (readers.next(), &together);
            scope.spawn(move || -> anyhow::Result<f64> {
                together.wait();
                let mut took = Duration::ZERO;
                for _ in 0..CHECKS {
                    took += spent(backend, &pair.selfie, &SELFIE)?;
                    took += spent(backend, &pair.document, &DOCUMENT)?;
                    if let Some(reader) = &mut reader {
                        took += spent(*reader, &pair.document, &DOCUMENT)?;
                    }
                }
                Ok(CHECKS as f64 / took.as_secs_f64())
            })
        });
        let running: Vec<_> = running.collect();
        let rates = running.into_iter().map(|thread| {
            let rate = thread.join();
            rate.map_err(|_| anyhow::anyhow!("a model panicked"))?
        });
        rates.sum()
    })
}

/// Milliseconds of two kinds of work, again and again: both at once, or with one core, where they would only be in each other's
/// way, one after the other.
fn side_by_side(
    mut first: impl FnMut() -> Result<Duration, VisionError>,
    mut second: impl FnMut() -> Result<Duration, VisionError> + Send,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    if worker_count(0) == 1 {
        return Ok((times(first, || {})?, times(second, || {})?));
    }
    let together = Barrier::new(2);
    let wait = || {
        together.wait();
    };
    thread::scope(|scope| {
        let second = scope.spawn(|| times(&mut second, wait));
        let first = times(&mut first, wait);
        let second = second.join();
        let second = second.map_err(|_| anyhow::anyhow!("a model panicked"))?;
        Ok((first?, second?))
    })
}

/// Milliseconds of work, again and again, each time after a wait.
fn times(
    mut work: impl FnMut() -> Result<Duration, VisionError>,
    wait: impl Fn(),
) -> anyhow::Result<Vec<f64>> {
    let round = |_| {
        wait();
        work().map(|took| took.as_secs_f64() * 1e3)
    };
    // An error is told after the last round: whoever waits for the other waits for all rounds.
    let times: Vec<_> = (0..ROUNDS).map(round).collect();
    let times: Result<Vec<f64>, _> = times.into_iter().collect();
    times.context("a picture cannot be analysed")
}

/// Time in the models for one picture.
fn spent(
    backend: &mut impl FaceBackend,
    encoded: &[u8],
    request: &AnalysisRequest,
) -> Result<Duration, VisionError> {
    Ok(backend.analyse(encoded, request)?.timings.models)
}
