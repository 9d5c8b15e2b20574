//! From an encoded picture to faces: pure pre- and post-processing around thin ONNX sessions.
//!
//! [`Engine`] runs [`FaceBackend`]s on threads of their own, [`OnnxBackend`] is the real one. Nothing here knows of
//! HTTP, tenants or the database, and nothing keeps a picture.

mod align;
mod backend;
pub mod benching;
mod closer;
mod crop;
mod decode;
mod detect;
mod device;
pub mod document;
mod embed;
mod encoded;
mod engine;
mod eyes;
mod files;
#[cfg(fuzzing)]
pub mod fuzzing;
mod graph;
mod landmarks;
mod liveness;
mod others;
mod own;
mod picture;
mod points;
mod pose;
mod quality;
mod raster;
mod session;
mod shared;
mod signature;
mod tensor;
mod tflite;
mod turned;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use backend::{OnnxBackend, blank_picture};
pub use decode::{ImageLimits, decode};
pub(crate) use detect::{Canvas, Recognised, recognise};
pub use device::Device;
pub use embed::Parts;
pub(crate) use embed::{side_by_side, sum};
pub use encoded::Encoded;
pub use engine::{Engine, Replacements, Workers};
pub use files::{LIVENESS_ID, ModelFiles};
pub use picture::decode_reduced;
pub use session::{Graphs, Interface, ModelError, Runtime};

use crate::domain::embedder::Embedder;
use crate::domain::face::Face;
use crate::domain::liveness_session::Signature;

/// What is wanted of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisRequest {
    /// What kind of picture it is.
    pub layout: Layout,
    /// Whose templates are wanted.
    pub embed: Embed,
    /// What makes them, where that is not the embedder at work.
    pub embedder: Option<Embedder>,
    /// Whether the largest face's liveness is wanted.
    pub liveness: bool,
    /// Whether every face's pose is wanted.
    pub pose: bool,
    /// Whether it is wanted what the whole picture looks like.
    pub signature: bool,
    /// Whether it is wanted if each face's eyes are open.
    pub eyes: bool,
    /// Whether the largest face alone is wanted, of however many there are.
    pub only_largest: bool,
}

impl AnalysisRequest {
    /// The faces themselves, where they are and how good they are, and nothing more.
    #[must_use]
    pub const fn of(layout: Layout) -> Self {
        Self {
            layout,
            embed: Embed::None,
            embedder: None,
            liveness: false,
            pose: false,
            signature: false,
            eyes: false,
            only_largest: false,
        }
    }
}

/// Where faces are to be expected in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A person in front of a camera: a face of some size, up to one that fills the frame.
    Selfie,
    /// A document or a scene: faces may be small parts of it.
    Document,
    /// A document that lies on its side or its head: it is turned clockwise by so many quarters before faces are looked
    /// for. What is found is told in the picture as it was.
    Turned(u8),
    /// A document that shows no sure face as it lies, while nothing says how it does: of the three other ways the one is
    /// taken that shows the surest face.
    AnyTurn,
}

/// Whose templates are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embed {
    /// Nobody's.
    None,
    /// That of the largest face.
    Largest,
    /// Everybody's.
    All,
}

/// What was found in one picture.
#[derive(Debug)]
pub struct Analysis {
    /// Width of the upright picture in pixels.
    pub width: u32,
    /// Height of the upright picture in pixels.
    pub height: u32,
    /// The faces, largest box first.
    pub faces: Vec<Face>,
    /// What the whole picture looks like, if it was asked for.
    pub signature: Option<Signature>,
    /// The machine-readable zone, where one was looked for and found.
    pub zone: Option<document::Zone>,
    /// Where the time went.
    pub timings: StageTimings,
}

/// Where the time of one analysis went.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct StageTimings {
    /// Waiting for a worker.
    pub queue: Duration,
    /// Decoding the picture.
    pub decode: Duration,
    /// Finding faces.
    pub detect: Duration,
    /// Finding eyes, nose and mouth.
    pub landmarks: Duration,
    /// Aligning and making templates.
    pub embed: Duration,
    /// Judging liveness.
    pub liveness: Duration,
    /// Measuring where the heads point.
    pub pose: Duration,
    /// Judging whether the eyes are open.
    pub eyes: Duration,
    /// Of all of these, what the models took.
    pub models: Duration,
    /// Finding and reading the machine-readable zone.
    pub zone: Duration,
}

/// Why a picture was not analysed.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// It is not a JPEG, PNG or WebP, or a variant that is not read.
    #[error("the picture is of a kind that is not supported")]
    UnsupportedImage,
    /// It is truncated or broken.
    #[error("the picture is broken")]
    CorruptImage,
    /// It has more pixels than are taken.
    #[error("the picture has {width} x {height} pixels, more than {max_pixels}")]
    ImageTooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// The most pixels that are taken.
        max_pixels: u64,
    },
    /// Too many pictures wait already.
    #[error("too many pictures are waiting")]
    Overloaded,
    /// It was not done in time.
    #[error("the picture was not analysed in time")]
    DeadlineExceeded,
    /// The worker broke down over it.
    #[error("the worker was lost")]
    WorkerLost,
    /// A model failed.
    #[error("inference failed: {0}")]
    Inference(String),
}

/// Analyses one picture at a time.
pub trait FaceBackend: Send {
    /// Finds and describes the faces of a picture, at which others may look too.
    ///
    /// # Errors
    /// [`VisionError`] where the picture cannot be read or a model fails; no face is an answer.
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        request: &AnalysisRequest,
    ) -> Result<Analysis, VisionError>;

    /// The same for a picture at which nobody else looks.
    ///
    /// # Errors
    /// Those of [`FaceBackend::analyse_shared`].
    fn analyse(
        &mut self,
        encoded: &[u8],
        request: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        self.analyse_shared(&encoded.to_vec().into(), request)
    }
}
