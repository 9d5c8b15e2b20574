//! What the models alone take: for the faces of a selfie and of a document, both at once, as in the service, and for the
//! document's zone.

use std::sync::Barrier;
use std::thread;

use anyhow::Context as _;

use super::pictures::Pair;
use super::report::{Inference, median};
use crate::assets::InferenceFiles;
use crate::config::Load;
use crate::startup::{load_backends, load_readers, worker_count};
use crate::verify::{DOCUMENT, SELFIE};
use crate::vision::{AnalysisRequest, FaceBackend, ImageLimits};

const ROUNDS: usize = 40;

/// Measures the time in the models that are loaded so.
pub(super) fn measure(
    files: &InferenceFiles,
    load: &Load,
    pair: &Pair,
) -> anyhow::Result<Inference> {
    let mut backends = load_backends(files, 2, load.embedder, ImageLimits::default())?;
    let (mut second, mut first) = (
        backends.pop().context("two backends were asked for")?,
        backends.pop().context("two backends were asked for")?,
    );
    // With one core the two would only be in each other's way.
    let together = Barrier::new(2);
    let (selfie, document) = if worker_count(0) > 1 {
        thread::scope(|scope| -> anyhow::Result<_> {
            let document =
                scope.spawn(|| times(&mut second, &pair.document, &DOCUMENT, Some(&together)));
            let selfie = times(&mut first, &pair.selfie, &SELFIE, Some(&together));
            let document = document.join();
            let document = document.map_err(|_| anyhow::anyhow!("a model panicked"))?;
            Ok((selfie?, document?))
        })?
    } else {
        (
            times(&mut first, &pair.selfie, &SELFIE, None)?,
            times(&mut second, &pair.document, &DOCUMENT, None)?,
        )
    };
    let zone = if load.read_mrz {
        let mut readers = load_readers(files, 1, ImageLimits::default())?;
        let reader = readers.first_mut().context("a reader was asked for")?;
        median(times(reader, &pair.document, &DOCUMENT, None)?)
    } else {
        0.0
    };
    Ok(Inference::new(median(selfie), median(document), zone))
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
