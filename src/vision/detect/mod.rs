//! Where the faces are: a detector looks at a picture once or, for small faces, tile by tile.

mod canvas;
mod decode;
mod find;
mod layout;
mod rfb;

use image::RgbImage;

pub(crate) use self::canvas::Canvas;
use self::canvas::{Frame, passes, shrunk};
pub(super) use self::find::Detection;
use self::find::{Find, distinct};
pub(crate) use self::layout::{Recognised, recognise};
use super::crop::{Area, Scaler};
use super::files::ModelFiles;
use super::picture::View;
use super::session::{Loader, Model, ModelError};
use super::tensor::tensor_on;
use super::turned::{Quarters, turned};
use super::{Layout, VisionError};
use crate::domain::detector::{Detector, DetectorManifest};

/// Finds faces.
pub(super) struct FaceDetector {
    model: Model,
    gives: Gives,
}

/// What a detector gives.
enum Gives {
    /// As the one that the service ships with.
    Rfb,
    /// As one of the user's own, by its manifest.
    Own(&'static DetectorManifest),
}

impl FaceDetector {
    /// Loads the one that is chosen.
    pub(super) fn load(
        loader: Loader<'_>,
        files: &ModelFiles,
        chosen: Detector,
    ) -> Result<Self, ModelError> {
        let (model, gives) = match chosen {
            Detector::Shipped => (Model::shipped(loader, files, chosen.name())?, Gives::Rfb),
            Detector::Own(own) => (
                Model::load(loader, &own.file, &own.manifest.network())?,
                Gives::Own(&own.manifest),
            ),
        };
        Ok(Self { model, gives })
    }

    fn canvas(&self) -> Canvas {
        Canvas::of(self.model.input())
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The faces of a picture, largest first.
    ///
    /// The whole picture is looked at first. Where that shows nothing, a frame-filling face is looked for at half the size,
    /// and on a document small faces in 2x2 and then 3x3 tiles. These many looks are at a copy that has no more pixels than
    /// they need.
    pub(super) fn find(
        &mut self,
        image: &View,
        layout: Layout,
        scaler: &mut Scaler,
    ) -> Result<Vec<Detection>, VisionError> {
        let passes = passes(image, layout);
        let [first, later @ ..] = passes.as_slice() else {
            return Ok(Vec::new());
        };
        let mut found = self.look_through(image, first, scaler)?;
        if found.is_empty() {
            let small = image.reduced(shrunk(image, self.canvas(), scaler)?);
            for pass in later {
                found = self.look_through(&small, pass, scaler)?;
                if !found.is_empty() {
                    break;
                }
            }
        }
        Ok(distinct(found))
    }

    /// How a document has to be turned for the surest face that it shows any other way than as it lies. The first pass that
    /// shows a face in any of the three ways decides: the later ones are the slow ones.
    pub(super) fn surest_turn(
        &mut self,
        image: &View,
        scaler: &mut Scaler,
    ) -> Result<Option<Quarters>, VisionError> {
        let small = shrunk(image, self.canvas(), scaler)?;
        let views = Quarters::OTHERS.map(|quarters| View::whole(turned(small.clone(), quarters)));
        let passes = views.each_ref().map(|view| passes(view, Layout::AnyTurn));
        let count = passes[0].len();
        for pass in 0..count {
            let mut surest: Option<(Quarters, f32)> = None;
            let ways = Quarters::OTHERS.into_iter().zip(&views).zip(&passes);
            for ((quarters, view), passes) in ways {
                for found in self.look_through(view, &passes[pass], scaler)? {
                    if surest.is_none_or(|(_, confidence)| found.confidence > confidence) {
                        surest = Some((quarters, found.confidence));
                    }
                }
            }
            if let Some((quarters, _)) = surest {
                return Ok(Some(quarters));
            }
        }
        Ok(None)
    }

    fn look_through(
        &mut self,
        image: &View,
        pass: &[(Area, f64)],
        scaler: &mut Scaler,
    ) -> Result<Vec<Detection>, VisionError> {
        let mut found = Vec::new();
        for (area, zoom) in pass {
            found.extend(self.look(image, *area, *zoom, scaler)?);
        }
        Ok(found)
    }

    /// Looks at one area, scaled to `zoom` times the detector's frame.
    fn look(
        &mut self,
        image: &View,
        area: Area,
        zoom: f64,
        scaler: &mut Scaler,
    ) -> Result<Vec<Detection>, VisionError> {
        let frame = Frame::fit(area, zoom, self.canvas());
        let scaled = scaler.scale(image, area, frame.width, frame.height)?;
        let placed = |find: &Find| find.placed(&frame, image);
        let finds = self.finds(&scaled, (frame.left, frame.top))?;
        Ok(finds.iter().filter_map(placed).collect())
    }

    /// The faces of a picture whose corner lies at a place of the canvas. What is around it is the tensor's zero: grey for most
    /// networks, black for YuNet.
    fn finds(&mut self, picture: &RgbImage, corner: (u32, u32)) -> Result<Vec<Find>, VisionError> {
        let canvas = self.canvas();
        let size = (canvas.width, canvas.height);
        let tensor = tensor_on(size, corner, picture, self.model.input());
        let outputs = self.model.run(&tensor)?;
        match self.gives {
            Gives::Rfb => Ok(rfb::finds(canvas, &outputs[0], &outputs[1])),
            Gives::Own(DetectorManifest {
                layout,
                min_confidence,
                ..
            }) => decode::finds(*layout, canvas, *min_confidence, &outputs)
                .map_err(VisionError::Inference),
        }
    }
}
