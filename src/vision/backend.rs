//! The real pipeline: decode, detect, locate, align, embed, and what else is asked for.

use std::io::Cursor;
use std::time::{Duration, Instant};

use image::{ImageFormat, RgbImage};

use super::align::Alignment;
use super::closer::closer;
use super::crop::Scaler;
use super::decode::ImageLimits;
use super::detect::{Detection, FaceDetector};
use super::embed::{FaceEmbedder, Made, Parts};
use super::encoded::Encoded;
use super::eyes::EyeJudge;
use super::files::ModelFiles;
use super::landmarks::{EyeOutline, Landmarker};
use super::liveness::LivenessJudge;
use super::others::OtherEmbedders;
use super::picture::{Picture, View};
use super::pose::PoseEstimator;
use super::quality;
use super::session::{Graphs, Loader, Model, ModelError, Runtime};
use super::signature::sign;
use super::tensor::{exact, rounded};
use super::turned::Quarters;
use super::{Analysis, AnalysisRequest, Embed, FaceBackend, Layout, StageTimings, VisionError};
use crate::domain::chosen::Chosen;
use crate::domain::detector::Detector;
use crate::domain::face::{BoundingBox, Face, FivePoints};

/// Every model, for one thread.
pub struct OnnxBackend {
    detector: FaceDetector,
    landmarker: Landmarker,
    embedder: FaceEmbedder,
    others: OtherEmbedders,
    liveness: LivenessJudge,
    pose: PoseEstimator,
    eyes: EyeJudge,
    scaler: Scaler,
    limits: ImageLimits,
}

impl OnnxBackend {
    /// Loads every model.
    ///
    /// # Errors
    /// [`ModelError`] names the file that is missing, broken or another model.
    pub fn load(
        runtime: &'static Runtime,
        files: &ModelFiles,
        chosen: Chosen,
        limits: ImageLimits,
    ) -> Result<Self, ModelError> {
        Self::load_graphs(Graphs::Rewritten, runtime, files, chosen, limits)
    }

    /// The same with a choice of graphs. Both give the same numbers, but for rounding.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_graphs(
        graphs: Graphs,
        runtime: &'static Runtime,
        files: &ModelFiles,
        Chosen { detector, embedder }: Chosen,
        limits: ImageLimits,
    ) -> Result<Self, ModelError> {
        let loader = Loader { runtime, graphs };
        Self::load_with(loader, files, detector, Made::Templates(embedder), limits)
    }

    /// One whose templates are not for comparison: [`Parts`] come out of them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_for_parts(
        graphs: Graphs,
        runtime: &'static Runtime,
        files: &ModelFiles,
        detector: Detector,
        limits: ImageLimits,
    ) -> Result<Self, ModelError> {
        let loader = Loader { runtime, graphs };
        Self::load_with(loader, files, detector, Made::Parts, limits)
    }

    fn load_with(
        loader: Loader<'static>,
        files: &ModelFiles,
        detector: Detector,
        made: Made,
        limits: ImageLimits,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            detector: FaceDetector::load(loader, files, detector)?,
            landmarker: Landmarker::load(loader, files)?,
            embedder: FaceEmbedder::load(loader, files, made)?,
            others: OtherEmbedders::new(loader, files.clone()),
            liveness: LivenessJudge::load(loader, files)?,
            pose: PoseEstimator::load(loader, files)?,
            eyes: EyeJudge::load(loader, files)?,
            scaler: Scaler::default(),
            limits,
        })
    }

    /// What the networks answer of an aligned face, 112 x 112.
    ///
    /// # Errors
    /// Where a model fails, or not both are loaded.
    pub fn parts(&mut self, aligned: &RgbImage) -> Result<Parts, VisionError> {
        self.embedder.parts(&exact(aligned))
    }

    /// Runs every model once: one that cannot be run is found, and the runtime's code is in memory.
    ///
    /// # Errors
    /// What a model answers.
    pub fn warm_up(&mut self) -> Result<(), VisionError> {
        let request = AnalysisRequest {
            embed: Embed::All,
            liveness: true,
            pose: true,
            eyes: true,
            ..AnalysisRequest::of(Layout::Selfie)
        };
        self.analyse(&blank_picture()?, &request)?;
        let grey = View::whole(blank());
        let bounding_box = BoundingBox {
            x: 80.0,
            y: 40.0,
            width: 160.0,
            height: 160.0,
        };
        let whole = Detection {
            bounding_box,
            confidence: 1.0,
            points: None,
        };
        let views = Views {
            first: &grey,
            closer: None,
        };
        let timings = &mut StageTimings::default();
        self.describe(views, whole, &request, true, timings)
            .map(drop)
    }

    /// Time that the models took since this was last asked.
    fn take_spent(&mut self) -> Duration {
        let models = [
            self.detector.model(),
            self.landmarker.model(),
            self.liveness.model(),
            self.pose.model(),
            self.eyes.model(),
        ];
        let models = models.into_iter();
        let models = models.chain(self.embedder.models());
        let models = models.chain(self.others.models());
        models.map(Model::take_spent).sum()
    }

    /// How a document is to be turned that nothing else tells of; none where it shows no face either way.
    fn surest_turn(&mut self, encoded: &Encoded) -> Result<Option<Quarters>, VisionError> {
        let picture = Picture::open(encoded, self.limits, Quarters::NONE)?;
        self.detector.surest_turn(picture.first(), &mut self.scaler)
    }

    /// The points that alignment rests on, which are the detector's where it finds any, and the outlines of the eyes where the
    /// landmarks were looked for.
    fn locate(
        &mut self,
        image: &View,
        detection: &Detection,
        request: &AnalysisRequest,
    ) -> Result<(FivePoints, Option<[EyeOutline; 2]>), VisionError> {
        if let (Some(points), false) = (detection.points, request.eyes) {
            return Ok((points, None));
        }
        let face = &detection.bounding_box;
        let located = self.landmarker.locate(image, face, &mut self.scaler)?;
        let points = detection.points.unwrap_or(located.points);
        Ok((points, Some(located.eyes)))
    }

    fn describe(
        &mut self,
        views: Views<'_>,
        detection: Detection,
        request: &AnalysisRequest,
        largest: bool,
        timings: &mut StageTimings,
    ) -> Result<Face, VisionError> {
        let image = views.closer.unwrap_or(views.first);
        let (landmarks, outlines) = timed(&mut timings.landmarks, || {
            self.locate(image, &detection, request)
        })?;
        let Self {
            embedder,
            others,
            liveness,
            pose,
            eyes,
            scaler,
            ..
        } = self;
        let other = request.embedder.and_then(|other| others.find(other));
        let embedder = other.unwrap_or(embedder);
        let bounding_box = detection.bounding_box;
        let aligned = timed(&mut timings.embed, || {
            let alignment = Alignment::of(&landmarks)?;
            // Points that lie far from their box may ask for more than was decoded closer.
            let covered = image.covers(alignment.covered_area(image));
            alignment.apply(if covered { image } else { views.first }, scaler)
        })?;
        let wanted = match request.embed {
            Embed::None => false,
            Embed::Largest => largest,
            Embed::All => true,
        };
        let mut quality =
            quality::measure(&rounded(&aligned), &landmarks, &bounding_box, views.first);
        let template = wanted
            .then(|| {
                timed(&mut timings.embed, || {
                    let (template, length) = embedder.embed(&aligned)?;
                    quality.embedding_length = length.map(|length| length as f32);
                    Ok(template)
                })
            })
            .transpose()?;
        let live = (request.liveness && largest).then(|| {
            timed(&mut timings.liveness, || {
                liveness.judge(image, &bounding_box, scaler)
            })
        });
        let head = request.pose.then(|| {
            timed(&mut timings.pose, || {
                pose.measure(image, &bounding_box, scaler)
            })
        });
        let lids = outlines
            .filter(|_| request.eyes)
            .map(|outlines| timed(&mut timings.eyes, || eyes.judge(image, outlines, scaler)));
        Ok(Face {
            bounding_box,
            confidence: detection.confidence,
            landmarks,
            quality,
            pose: head.transpose()?,
            eyes: lids.transpose()?,
            liveness: live.transpose()?,
            template,
        })
    }
}

/// A picture as a whole, and the part of it with the faces at more pixels where the first has too few of them.
#[derive(Clone, Copy)]
struct Views<'a> {
    first: &'a View,
    closer: Option<&'a View>,
}

impl FaceBackend for OnnxBackend {
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        request: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        let mut timings = StageTimings::default();
        // What an analysis spent that failed is nobody's.
        self.take_spent();
        if let Some(other) = request.embedder {
            self.others.prepare(other)?;
        }
        let quarters = match request.layout {
            Layout::Turned(quarters) => Some(Quarters::new(quarters)),
            Layout::Selfie | Layout::Document => Some(Quarters::NONE),
            Layout::AnyTurn => timed(&mut timings.detect, || self.surest_turn(encoded))?,
        };
        let faceless = quarters.is_none();
        let quarters = quarters.unwrap_or(Quarters::NONE);
        let picture = timed(&mut timings.decode, || {
            Picture::open(encoded, self.limits, quarters)
        })?;
        let first = picture.first();
        let mut detections = timed(&mut timings.detect, || {
            if faceless {
                return Ok(Vec::new());
            }
            self.detector.find(first, request.layout, &mut self.scaler)
        })?;
        if request.only_largest {
            detections.truncate(1);
        }
        let closer = timed(&mut timings.decode, || {
            closer(&picture, &detections, request.liveness)
        })?;
        let signature = request
            .signature
            .then(|| timed(&mut timings.decode, || sign(first, &mut self.scaler)))
            .transpose()?;
        let views = Views {
            first,
            closer: closer.as_ref(),
        };
        let mut faces = Vec::with_capacity(detections.len());
        for (index, detection) in detections.into_iter().enumerate() {
            faces.push(self.describe(views, detection, request, index == 0, &mut timings)?);
        }
        let (width, height) = quarters.size_before((first.width(), first.height()));
        for face in &mut faces {
            quarters.undo(face, (width as f32, height as f32));
        }
        timings.models = self.take_spent();
        Ok(Analysis {
            width: width as u32,
            height: height as u32,
            faces,
            signature,
            zone: None,
            timings,
        })
    }
}

/// A picture of nobody, encoded.
///
/// # Errors
/// [`VisionError::Inference`] where it cannot be encoded.
pub fn blank_picture() -> Result<Vec<u8>, VisionError> {
    let mut encoded = Cursor::new(Vec::new());
    let written = blank().write_to(&mut encoded, ImageFormat::Png);
    written.map_err(|error| VisionError::Inference(error.to_string()))?;
    Ok(encoded.into_inner())
}

fn blank() -> RgbImage {
    RgbImage::from_pixel(320, 240, image::Rgb([128; 3]))
}

/// Adds the time that a step takes to its stage.
fn timed<T>(stage: &mut Duration, step: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = step();
    *stage += started.elapsed();
    result
}
