//! From pictures to templates: what was acquired, what failed, and how long it took.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::dataset::Dataset;
use super::{EvalError, parallel, vision_failure};
use crate::domain::decision::FaceQuality;
use crate::domain::face::{BoundingBox, Face, Template};
use crate::domain::hex::hex;
use crate::domain::quality::score;
use crate::vision::{
    Analysis, AnalysisRequest, Embed, FaceBackend, Layout, ModelError, StageTimings,
};

const REQUEST: AnalysisRequest = AnalysisRequest {
    embed: Embed::All,
    ..AnalysisRequest::of(Layout::Selfie)
};

/// The templates of a dataset.
pub(super) struct Enrolment {
    /// One for each picture, in the dataset's order; `None` where no template could be made.
    pub(super) templates: Vec<Option<Template>>,
    /// What else there is to tell.
    pub(super) record: Record,
}

/// What is told of a dataset's pictures besides their templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Quality scores of the faces, one for each picture.
    pub(super) qualities: Vec<Option<f32>>,
    /// SHA-256 over the SHA-256 digests of the pictures, in the dataset's order.
    pub(super) dataset_sha256: String,
    /// Faces that were found in all pictures together.
    pub(super) faces: usize,
    /// Time of each stage, summed over all pictures.
    pub(super) timings: StageTimings,
}

/// What one picture gave.
struct Outcome {
    template: Option<Template>,
    score: Option<f32>,
    digest: [u8; 32],
    faces: usize,
    timings: StageTimings,
}

/// Makes the templates on `jobs` threads, each with a backend of its own.
pub(super) fn enrol<B: FaceBackend>(
    dataset: &Dataset,
    jobs: usize,
    make_backend: &(impl Fn() -> Result<B, ModelError> + Sync),
    progress: &(impl Fn(usize, usize) + Sync),
) -> Result<Enrolment, EvalError> {
    let (count, done) = (dataset.images.len(), AtomicUsize::new(0));
    let outcomes = parallel::map(
        count,
        jobs,
        || make_backend().map_err(EvalError::from),
        |backend, index| {
            let outcome = enrol_image(backend, &dataset.path(index))?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, count);
            Ok(outcome)
        },
    )?;
    let mut digest = Sha256::new();
    let mut templates = Vec::with_capacity(count);
    let mut record = Record {
        qualities: Vec::with_capacity(count),
        dataset_sha256: String::new(),
        faces: 0,
        timings: StageTimings::default(),
    };
    for outcome in outcomes {
        digest.update(outcome.digest);
        record.faces += outcome.faces;
        add(&mut record.timings, &outcome.timings);
        record.qualities.push(outcome.score);
        templates.push(outcome.template);
    }
    record.dataset_sha256 = hex(&digest.finalize());
    Ok(Enrolment { templates, record })
}

fn enrol_image(backend: &mut impl FaceBackend, path: &Path) -> Result<Outcome, EvalError> {
    let bytes = fs::read(path).map_err(|source| EvalError::Read {
        path: path.to_owned(),
        source,
    })?;
    let digest = Sha256::digest(&bytes).into();
    let outcome = |face: Option<Face>, faces, timings| Outcome {
        score: face.as_ref().and_then(|face| score(&FaceQuality::of(face))),
        template: face.and_then(|face| face.template),
        digest,
        faces,
        timings,
    };
    match backend.analyse(&bytes, &REQUEST) {
        Ok(analysis) => {
            let (faces, timings) = (analysis.faces.len(), analysis.timings);
            Ok(outcome(central_face(analysis), faces, timings))
        }
        Err(error) => {
            vision_failure(error, path).map(|()| outcome(None, 0, StageTimings::default()))
        }
    }
}

/// The face nearest the picture's centre: that is whom the picture is named after.
fn central_face(analysis: Analysis) -> Option<Face> {
    let centre = (analysis.width as f32 / 2.0, analysis.height as f32 / 2.0);
    let distance = |face: &Face| {
        let BoundingBox {
            x,
            y,
            width,
            height,
        } = face.bounding_box;
        (x + width / 2.0 - centre.0).hypot(y + height / 2.0 - centre.1)
    };
    analysis
        .faces
        .into_iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn add(total: &mut StageTimings, one: &StageTimings) {
    let stages: [(&mut Duration, Duration); 7] = [
        (&mut total.decode, one.decode),
        (&mut total.detect, one.detect),
        (&mut total.landmarks, one.landmarks),
        (&mut total.embed, one.embed),
        (&mut total.liveness, one.liveness),
        (&mut total.pose, one.pose),
        (&mut total.eyes, one.eyes),
    ];
    for (sum, time) in stages {
        *sum += time;
    }
}
