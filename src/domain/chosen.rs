//! Which networks work, of those that can be chosen.

use super::detector::Detector;
use super::embedder::Embedder;

/// The networks that are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Finds the faces.
    pub detector: Detector,
    /// Makes the templates.
    pub embedder: Embedder,
}
