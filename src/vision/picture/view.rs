//! What is seen of a picture: all of it or a part, in all of its pixels or in fewer.

use std::sync::Arc;

use image::RgbImage;

use crate::vision::crop::Area;

/// Some of a picture's pixels.
pub(in crate::vision) struct View {
    pub(super) pixels: Arc<RgbImage>,
    /// Pixels of the picture that one of these stands for, across and down.
    pub(super) reduction: f64,
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl View {
    /// All pixels as they are.
    pub(in crate::vision) fn whole(pixels: impl Into<Arc<RgbImage>>) -> Self {
        let pixels = pixels.into();
        let (width, height) = (f64::from(pixels.width()), f64::from(pixels.height()));
        Self {
            pixels,
            reduction: 1.0,
            left: 0.0,
            top: 0.0,
            width,
            height,
        }
    }

    /// A view of the same picture that has all of it in these pixels.
    pub(in crate::vision) fn reduced(&self, pixels: RgbImage) -> Self {
        Self {
            reduction: self.width / f64::from(pixels.width()),
            pixels: Arc::new(pixels),
            left: 0.0,
            top: 0.0,
            ..*self
        }
    }

    /// Width of the whole picture.
    pub(in crate::vision) fn width(&self) -> f64 {
        self.width
    }

    /// Height of the whole picture.
    pub(in crate::vision) fn height(&self) -> f64 {
        self.height
    }

    /// Pixels of the picture that one of the view's stands for, across and down.
    pub(in crate::vision) fn reduction(&self) -> f64 {
        self.reduction
    }

    pub(in crate::vision) fn pixels(&self) -> &RgbImage {
        &self.pixels
    }

    /// Whether all of an area of the picture can be seen.
    pub(in crate::vision) fn covers(&self, area: Area) -> bool {
        let right = self.left + f64::from(self.pixels.width()) * self.reduction;
        let bottom = self.top + f64::from(self.pixels.height()) * self.reduction;
        area.left >= self.left
            && area.top >= self.top
            && area.left + area.width <= right
            && area.top + area.height <= bottom
    }

    /// Where an area of the picture lies among the view's pixels: what of it can be seen.
    pub(in crate::vision) fn to_pixels(&self, area: Area) -> Area {
        let (left, top) = (area.left - self.left, area.top - self.top);
        let (right, bottom) = (
            area.left + area.width - self.left,
            area.top + area.height - self.top,
        );
        let edges = [left, top, right, bottom].map(|edge| edge / self.reduction);
        let size = (self.pixels.width().into(), self.pixels.height().into());
        Area::within(edges, size)
    }

    /// Where the middle of a pixel of the picture lies among the middles of the view's.
    pub(in crate::vision) fn to_pixel(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            (x + 0.5 - self.left) / self.reduction - 0.5,
            (y + 0.5 - self.top) / self.reduction - 0.5,
        )
    }
}
