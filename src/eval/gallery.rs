//! The templates of a dataset.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::EvalError;
use super::dataset::{Dataset, Picture};
use crate::domain::face::{Face, Template};
use crate::vision::{
    Analysis, AnalysisRequest, Embed, FaceBackend, Layout, StageTimings, VisionError,
};

const REQUEST: AnalysisRequest = AnalysisRequest {
    layout: Layout::Selfie,
    embed: Embed::All,
    liveness: false,
    pose: false,
};

/// One picture whose face was found.
pub(super) struct Entry {
    pub(super) subject: usize,
    pub(super) template: Template,
}

/// What the pipeline made of every picture.
pub struct Gallery {
    pub(super) entries: Vec<Entry>,
    /// Index into `entries` by picture.
    pub(super) by_name: HashMap<String, usize>,
    /// Pictures that were tried.
    pub(super) attempts: usize,
    /// Names of the pictures without a usable face, in order.
    pub(super) failed_to_acquire: Vec<String>,
    /// Time of the pipeline over all pictures.
    pub(super) timings: StageTimings,
    /// Faces that were embedded in that time.
    pub(super) faces: usize,
}

impl Gallery {
    /// Analyses every picture. Where there are several faces, the one nearest to the centre is the subject's.
    pub(super) fn analyse<B: FaceBackend>(
        dataset: &Dataset,
        backends: &mut [B],
        progress: impl Fn(usize, usize) + Sync,
    ) -> Result<Self, EvalError> {
        let next = AtomicUsize::new(0);
        let analyses = Mutex::new(Vec::with_capacity(dataset.pictures.len()));
        let pictures = &dataset.pictures;
        thread::scope(|scope| {
            let workers: Vec<_> = backends
                .iter_mut()
                .map(|backend| {
                    let (next, analyses, progress) = (&next, &analyses, &progress);
                    scope.spawn(move || -> Result<(), EvalError> {
                        while let Some((index, picture)) = take(next, pictures) {
                            let analysis = analyse(backend, picture)?;
                            let mut done = analyses
                                .lock()
                                .unwrap_or_else(|poisoned| poisoned.into_inner());
                            done.push((index, analysis));
                            progress(done.len(), pictures.len());
                        }
                        Ok(())
                    })
                })
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or(Ok(())))
        })?;
        let mut analyses = analyses
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        analyses.sort_by_key(|(index, _)| *index);
        Ok(Self::collect(
            pictures,
            analyses.into_iter().map(|(_, analysis)| analysis),
        ))
    }

    fn collect(pictures: &[Picture], analyses: impl Iterator<Item = Option<Analysis>>) -> Self {
        let mut gallery = Self {
            entries: Vec::new(),
            by_name: HashMap::new(),
            attempts: pictures.len(),
            failed_to_acquire: Vec::new(),
            timings: StageTimings::default(),
            faces: 0,
        };
        for (picture, analysis) in pictures.iter().zip(analyses) {
            let template = analysis.and_then(|analysis| gallery.account(analysis));
            match template {
                Some(template) => {
                    gallery
                        .by_name
                        .insert(picture.name.clone(), gallery.entries.len());
                    gallery.entries.push(Entry {
                        subject: picture.subject,
                        template,
                    });
                }
                None => gallery.failed_to_acquire.push(picture.name.clone()),
            }
        }
        gallery
    }

    /// Adds an analysis to the totals and takes the subject's template out of it.
    fn account(&mut self, analysis: Analysis) -> Option<Template> {
        let (total, spent) = (&mut self.timings, analysis.timings);
        total.decode += spent.decode;
        total.detect += spent.detect;
        total.landmarks += spent.landmarks;
        total.embed += spent.embed;
        self.faces += analysis.faces.len();
        central(analysis)?.template
    }

    /// The template of a picture, if a face was found in it.
    pub(super) fn template(&self, name: &str) -> Option<&Template> {
        self.by_name
            .get(name)
            .map(|index| &self.entries[*index].template)
    }

    /// Milliseconds of a stage for one picture or face.
    pub(super) fn mean_ms(&self, stage: Duration, count: usize) -> f64 {
        stage.as_secs_f64() * 1e3 / count.max(1) as f64
    }
}

fn take<'a>(next: &AtomicUsize, pictures: &'a [Picture]) -> Option<(usize, &'a Picture)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    pictures.get(index).map(|picture| (index, picture))
}

/// `None` where the picture itself is at fault: that is a failure to acquire. Other failures stop the measurement.
fn analyse(
    backend: &mut impl FaceBackend,
    picture: &Picture,
) -> Result<Option<Analysis>, EvalError> {
    match backend.analyse(&picture.read()?, &REQUEST) {
        Ok(analysis) => Ok(Some(analysis)),
        Err(
            VisionError::CorruptImage
            | VisionError::UnsupportedImage
            | VisionError::ImageTooLarge { .. },
        ) => Ok(None),
        Err(source) => Err(EvalError::Vision {
            image: picture.name.clone(),
            source,
        }),
    }
}

fn central(analysis: Analysis) -> Option<Face> {
    let (x, y) = (analysis.width as f32 / 2.0, analysis.height as f32 / 2.0);
    let distance = |face: &Face| {
        let area = face.bounding_box;
        (area.x + area.width / 2.0 - x).hypot(area.y + area.height / 2.0 - y)
    };
    analysis
        .faces
        .into_iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}
