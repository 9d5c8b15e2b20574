//! Embedders besides the one at work: a worker loads one when a picture first needs it, and lets go of it when none has for a
//! while.

use std::time::{Duration, Instant};

use super::VisionError;
use super::embed::{FaceEmbedder, Made};
use super::files::ModelFiles;
use super::session::{Loader, Model};
use crate::domain::embedder::Embedder;

/// How long one is kept that no picture needs.
const KEPT: Duration = Duration::from_secs(600);

pub(super) struct OtherEmbedders {
    loader: Loader<'static>,
    files: ModelFiles,
    loaded: Vec<Loaded>,
}

struct Loaded {
    embedder: Embedder,
    networks: FaceEmbedder,
    used: Instant,
}

impl OtherEmbedders {
    pub(super) fn new(loader: Loader<'static>, files: ModelFiles) -> Self {
        Self {
            loader,
            files,
            loaded: Vec::new(),
        }
    }

    /// Loads one unless it is loaded.
    pub(super) fn prepare(&mut self, embedder: Embedder) -> Result<(), VisionError> {
        let now = Instant::now();
        let is_wanted = |loaded: &Loaded| loaded.embedder == embedder;
        self.loaded
            .retain(|loaded| is_wanted(loaded) || now - loaded.used < KEPT);
        if let Some(loaded) = self.loaded.iter_mut().find(|loaded| is_wanted(loaded)) {
            loaded.used = now;
            return Ok(());
        }
        let made = Made::Templates(embedder);
        let networks = FaceEmbedder::load(self.loader, &self.files, made)
            .map_err(|error| VisionError::Inference(error.to_string()))?;
        self.loaded.push(Loaded {
            embedder,
            networks,
            used: now,
        });
        Ok(())
    }

    /// One that is loaded.
    pub(super) fn find(&mut self, embedder: Embedder) -> Option<&mut FaceEmbedder> {
        let mut loaded = self.loaded.iter_mut();
        loaded
            .find(|loaded| loaded.embedder == embedder)
            .map(|loaded| &mut loaded.networks)
    }

    /// The networks of those that are loaded.
    pub(super) fn models(&mut self) -> impl Iterator<Item = &mut Model> {
        let loaded = self.loaded.iter_mut();
        loaded.flat_map(|loaded| loaded.networks.models())
    }
}
