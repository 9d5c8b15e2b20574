//! The models that the service ships with: where their files are, and how their networks are run.

use std::path::{Path, PathBuf};

use crate::assets::{network, recipe};
use crate::domain::chosen::Chosen;
use crate::domain::detector::Detector;
use crate::domain::embedder::Embedder;
use crate::domain::network::Network;

/// Id of the liveness model.
pub const LIVENESS_ID: &str = "fr_liveness-afa783b7";

/// Where the models' files are.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    folder: PathBuf,
}

impl ModelFiles {
    /// The files under their own names in one folder.
    #[must_use]
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            folder: dir.to_owned(),
        }
    }

    /// The file of a model, and how its network is run. It may not be there: each embedder has a network that the others
    /// have not.
    ///
    /// # Panics
    /// Where the service ships with none of this name.
    #[must_use]
    pub fn model(&self, name: &str) -> (PathBuf, &'static Network) {
        let (file, network) = network(name);
        (self.folder.join(file), network)
    }

    /// Whether the networks of an embedder are there.
    #[must_use]
    pub fn has_networks_of(&self, embedder: Embedder) -> bool {
        self.networks(embedder).iter().all(|file| file.exists())
    }

    fn networks(&self, embedder: Embedder) -> Vec<PathBuf> {
        match embedder {
            Embedder::Sface | Embedder::Fused | Embedder::FrFeature => {
                let parts = recipe(embedder.name()).parts.iter();
                let mut names: Vec<&str> = parts.map(|part| part.network.as_str()).collect();
                names.sort_unstable();
                names.into_iter().map(|name| self.model(name).0).collect()
            }
            Embedder::Own(own) => vec![own.file.clone()],
        }
    }

    /// Those that a template rests on.
    pub(crate) fn of_templates(&self, chosen: Chosen) -> Vec<PathBuf> {
        // The points of a detector of the user's own take the place of the landmarks.
        let finders = match chosen.detector {
            Detector::Shipped => ["fr_detect", "fr_landmark"]
                .map(|name| self.model(name).0)
                .into(),
            Detector::Own(own) => vec![own.file.clone()],
        };
        [finders, self.networks(chosen.embedder)].concat()
    }
}
