//! Models, as their manifests tell of them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::network::{ByColour, ChannelOrder, Input, InputLayout, Network, Role};
use crate::models::{CalibratedOn, KnownModel, PartInTemplate};

/// The models of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelListView {
    /// All of them: those that it ships with, then those that were added.
    pub models: Vec<KnownModelView>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownModelView {
    /// Its name.
    #[schema(example = "fr_feature")]
    pub name: String,
    /// What it is for: `face_detector`, `landmarks`, `embedder`, `liveness`, `pose`, `eyes`, `text_detector` or `text_recogniser`.
    #[schema(value_type = String, example = "embedder")]
    pub role: Role,
    /// What it does, in words.
    #[schema(example = "turns a face into a template of 512 numbers")]
    pub purpose: String,
    /// The licence that it is used under.
    #[schema(example = "MIT")]
    pub licence: String,
    /// The package that it comes from, or what was said when it was added.
    #[schema(example = "faceplugin-face-recognition-js 0.0.1")]
    pub origin: String,
    /// SHA-256 of its file, in hexadecimal.
    #[schema(example = "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581")]
    pub sha256: String,
    /// Whether the service works with it.
    pub at_work: bool,
    /// What it takes.
    pub input: InputView,
    /// Names of the outputs that are read.
    #[schema(example = json!(["output"]))]
    pub outputs: Vec<String>,
    /// How many values of a template it makes; of embedders.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 512)]
    pub template_values: Option<usize>,
    /// The templates that it has a part in: of an embedder that was added, its own; of others than embedders, none.
    pub templates: Vec<PartInTemplateView>,
}

/// What a network takes: pictures, as one tensor.
#[derive(Debug, Serialize, ToSchema)]
pub struct InputView {
    /// Pictures at once.
    #[schema(example = 1)]
    pub pictures: u32,
    /// In which order the values of a picture come: one colour after the other (`nchw`), or one pixel after the other (`nhwc`).
    #[schema(value_type = String, example = "nchw")]
    pub layout: InputLayout,
    /// In which order the colours of a pixel come: `rgb` or `bgr`; `grey` is luminance alone.
    #[schema(value_type = String, example = "bgr")]
    pub channels: ChannelOrder,
    /// Width in pixels; absent where any will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 112)]
    pub width: Option<u32>,
    /// Height in pixels; absent where any will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 112)]
    pub height: Option<u32>,
    /// Taken off each value from 0 to 255: one number, or one each for red, green and blue.
    #[schema(example = json!([127.0]), min_items = 1, max_items = 3)]
    pub mean: Vec<f32>,
    /// What is left is multiplied by it: one number, or one each for red, green and blue.
    #[schema(example = json!([0.0078125]), min_items = 1, max_items = 3)]
    pub scale: Vec<f32>,
}

/// The part that a network has in an embedder's templates.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartInTemplateView {
    /// The name of the embedder.
    #[schema(example = "sface")]
    pub embedder: String,
    /// What its templates carry.
    #[schema(example = "fr_feature-87aacdfe+sface-fb143eea")]
    pub embedder_id: String,
    /// How much this network's cosine counts.
    #[schema(example = 0.2, exclusive_minimum = 0.0, maximum = 1.0)]
    pub share: f64,
    /// Whether the mirror image of a face counts as much as the face.
    pub mirror: bool,
    /// What the error rates of its similarities were measured on; absent where they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibratedOnView>,
}

/// What similarities were measured on.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalibratedOnView {
    /// The dataset.
    #[schema(example = "lfw")]
    pub dataset: String,
    /// SHA-256 over its images in order of name, in hexadecimal.
    #[schema(example = "e4d955f34a0feef5f644877ec973a9616b572544d95ecdaf4f4a3c66cfb89205")]
    pub dataset_sha256: String,
    /// Different people.
    #[schema(example = 2086)]
    pub subjects: u64,
    /// Comparisons of two different people.
    #[schema(example = 7255541)]
    pub non_mated_pairs: u64,
}

impl From<&KnownModel> for KnownModelView {
    fn from(known: &KnownModel) -> Self {
        let KnownModel {
            name,
            purpose,
            licence,
            origin,
            sha256,
            network,
            templates,
            at_work,
        } = known.clone();
        let Network {
            role,
            input,
            outputs,
            template_values,
        } = network;
        Self {
            name,
            role,
            purpose,
            licence,
            origin,
            sha256,
            at_work,
            input: input.into(),
            outputs,
            template_values,
            templates: templates
                .into_iter()
                .map(PartInTemplateView::from)
                .collect(),
        }
    }
}

impl From<Input> for InputView {
    fn from(input: Input) -> Self {
        Self {
            pictures: input.pictures,
            layout: input.layout,
            channels: input.channels,
            width: input.width,
            height: input.height,
            mean: numbers(input.mean),
            scale: numbers(input.scale),
        }
    }
}

fn numbers(by_colour: ByColour) -> Vec<f32> {
    match by_colour {
        ByColour::All(value) => vec![value],
        ByColour::Each(values) => values.to_vec(),
    }
}

impl From<PartInTemplate> for PartInTemplateView {
    fn from(part: PartInTemplate) -> Self {
        Self {
            embedder: part.embedder,
            embedder_id: part.embedder_id,
            share: part.share,
            mirror: part.mirror,
            calibration: part.calibration.map(CalibratedOnView::from),
        }
    }
}

impl From<CalibratedOn> for CalibratedOnView {
    fn from(on: CalibratedOn) -> Self {
        Self {
            dataset: on.dataset,
            dataset_sha256: on.dataset_sha256,
            subjects: on.subjects,
            non_mated_pairs: on.non_mated_pairs,
        }
    }
}
