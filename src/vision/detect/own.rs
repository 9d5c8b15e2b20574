//! Detectors of the user's own, run as their manifests say.

use image::RgbImage;

use super::canvas::Canvas;
use super::decode::finds;
use super::find::Find;
use crate::domain::detector::{DetectorLayout, DetectorManifest, OwnDetector};
use crate::vision::VisionError;
use crate::vision::crop::{Channels, planar_on};
use crate::vision::session::{Loader, Model, ModelError};

/// The network.
pub(super) struct Own {
    model: Model,
    manifest: &'static DetectorManifest,
}

impl Own {
    pub(super) fn load(loader: Loader<'_>, own: &'static OwnDetector) -> Result<Self, ModelError> {
        let OwnDetector { file, manifest } = own;
        let outputs: Vec<&str> = manifest.outputs.iter().map(String::as_str).collect();
        let model = Model::load(loader, file, &canvas(manifest).shape(), &outputs)?;
        Ok(Self { model, manifest })
    }

    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    pub(super) fn canvas(&self) -> Canvas {
        canvas(self.manifest)
    }

    /// The faces of a picture whose corner lies at a place of the canvas. What is around it is the tensor's zero: grey for
    /// SCRFD, black for YuNet.
    pub(super) fn find(
        &mut self,
        picture: &RgbImage,
        corner: (u32, u32),
    ) -> Result<Vec<Find>, VisionError> {
        let Canvas { width, height } = self.canvas();
        let layout = self.manifest.layout;
        let (order, mean, scale) = input(layout);
        let tensor = planar_on(
            (width, height),
            corner,
            picture,
            order,
            [mean; 3],
            [scale; 3],
        );
        let outputs = self.model.run(&tensor)?;
        let least = self.manifest.min_confidence;
        finds(layout, self.canvas(), least, &outputs).map_err(VisionError::Inference)
    }
}

fn canvas(manifest: &DetectorManifest) -> Canvas {
    Canvas {
        width: manifest.width,
        height: manifest.height,
    }
}

/// The order of colours, what is taken off each value from 0 to 255, and what the rest is multiplied by.
fn input(layout: DetectorLayout) -> (Channels, f32, f32) {
    match layout {
        DetectorLayout::Scrfd => (Channels::Rgb, 127.5, 1.0 / 128.0),
        DetectorLayout::YuNet => (Channels::Bgr, 0.0, 1.0),
    }
}
