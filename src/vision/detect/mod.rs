//! Where the faces are: a detector looks at a picture once or, for small faces, tile by tile.

mod canvas;
mod decode;
mod find;
mod layout;
mod own;
mod shipped;

use std::path::Path;

pub(crate) use self::canvas::Canvas;
use self::canvas::{Frame, passes, shrunk};
pub(super) use self::find::Detection;
use self::find::distinct;
pub(crate) use self::layout::{Recognised, recognise};
use self::own::Own;
use self::shipped::Shipped;
use super::crop::{Area, Scaler};
use super::picture::View;
use super::session::{Loader, Model, ModelError};
use super::turned::{Quarters, turned};
use super::{Layout, VisionError};
use crate::domain::detector::Detector;

/// Finds faces.
pub(super) struct FaceDetector {
    network: Network,
}

enum Network {
    Shipped(Shipped),
    Own(Own),
}

impl FaceDetector {
    /// Loads the one that is chosen; the shipped one is in `file`.
    pub(super) fn load(
        loader: Loader<'_>,
        file: &Path,
        chosen: Detector,
    ) -> Result<Self, ModelError> {
        let network = match chosen {
            Detector::Shipped => Network::Shipped(Shipped::load(loader, file)?),
            Detector::Own(own) => Network::Own(Own::load(loader, own)?),
        };
        Ok(Self { network })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        match &mut self.network {
            Network::Shipped(shipped) => shipped.model(),
            Network::Own(own) => own.model(),
        }
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

    fn canvas(&self) -> Canvas {
        match &self.network {
            Network::Shipped(shipped) => shipped.canvas(),
            Network::Own(own) => own.canvas(),
        }
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
        let corner = (frame.left, frame.top);
        let finds = match &mut self.network {
            Network::Shipped(shipped) => shipped.find(&scaled, corner)?,
            Network::Own(own) => own.find(&scaled, corner)?,
        };
        let placed = finds.iter().filter_map(|find| find.placed(&frame, image));
        Ok(placed.collect())
    }
}
