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
use crate::vision::{AnalysisRequest, FaceBackend, ImageLimits, OnnxBackend};

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
    // With one core the two would only be in each other's way.
    let together = Barrier::new(2);
    let (selfie, document) = if worker_count(0) > 1 {
        thread::scope(|scope| -> anyhow::Result<_> {
            let document =
                scope.spawn(|| times(second, &pair.document, &DOCUMENT, Some(&together)));
            let selfie = times(first, &pair.selfie, &SELFIE, Some(&together));
            let document = document.join();
            let document = document.map_err(|_| anyhow::anyhow!("a model panicked"))?;
            Ok((selfie?, document?))
        })?
    } else {
        (
            times(first, &pair.selfie, &SELFIE, None)?,
            times(second, &pair.document, &DOCUMENT, None)?,
        )
    };
    let zone = match readers.first_mut() {
        Some(reader) => median(beside_faces(reader, first, pair)?),
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

/// Milliseconds in the models for the zone, while another core works on the faces of the same check, where there is one.
fn beside_faces(
    reader: &mut ZoneReader,
    backend: &mut OnnxBackend,
    pair: &Pair,
) -> anyhow::Result<Vec<f64>> {
    if worker_count(0) == 1 {
        return times(reader, &pair.document, &DOCUMENT, None);
    }
    let together = Barrier::new(2);
    thread::scope(|scope| {
        let faces = scope.spawn(|| {
            let check = |_| {
                together.wait();
                backend.analyse(&pair.selfie, &SELFIE)?;
                backend.analyse(&pair.document, &DOCUMENT)
            };
            // All rounds, as in `times`.
            let checks: Vec<_> = (0..ROUNDS).map(check).collect();
            checks.into_iter().collect::<Result<Vec<_>, _>>()
        });
        let zone = times(reader, &pair.document, &DOCUMENT, Some(&together));
        let faces = faces.join();
        faces.map_err(|_| anyhow::anyhow!("a model panicked"))??;
        zone
    })
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
                let mut spent = Duration::ZERO;
                for _ in 0..CHECKS {
                    spent += backend.analyse(&pair.selfie, &SELFIE)?.timings.models;
                    spent += backend.analyse(&pair.document, &DOCUMENT)?.timings.models;
                    if let Some(reader) = &mut reader {
                        spent += reader.analyse(&pair.document, &DOCUMENT)?.timings.models;
                    }
                }
                Ok(CHECKS as f64 / spent.as_secs_f64())
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

/// Milliseconds in the models for one picture, again and again.
fn times(
    backend: &mut impl FaceBackend,
    encoded: &[u8],
    request: &AnalysisRequest,
    together: Option<&Barrier>,
) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        if let Some(together) = together {
            together.wait();
        }
        // An error is told after the last round: whoever waits for the other waits for all rounds.
        times.push(backend.analyse(encoded, request));
    }
    let ms = |analysis: crate::vision::Analysis| analysis.timings.models.as_secs_f64() * 1e3;
    let times: Result<Vec<f64>, _> = times.into_iter().map(|time| time.map(ms)).collect();
    times.context("a picture cannot be analysed")
}
