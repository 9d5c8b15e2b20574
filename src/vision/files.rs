//! The files of the models that the service ships with.

use std::path::{Path, PathBuf};

use crate::domain::chosen::Chosen;
use crate::domain::detector::Detector;
use crate::domain::embedder::Embedder;

/// Id of the liveness model.
pub const LIVENESS_ID: &str = "fr_liveness-afa783b7";

/// Where the models' files are.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    /// `fr_detect`.
    pub detector: PathBuf,
    /// `fr_landmark`.
    pub landmarks: PathBuf,
    /// `fr_feature`.
    pub embedder: PathBuf,
    /// MobileFaceNet, which is there only where it is chosen.
    pub mobile_face_net: PathBuf,
    /// SFace, which is there only where it is chosen.
    pub sface: PathBuf,
    /// `fr_liveness`.
    pub liveness: PathBuf,
    /// `fr_pose`.
    pub pose: PathBuf,
    /// `fr_eye`.
    pub eyes: PathBuf,
}

impl ModelFiles {
    /// The files under their own names in one folder.
    #[must_use]
    pub fn in_dir(dir: &Path) -> Self {
        let file = |name: &str| dir.join(format!("{name}.onnx"));
        Self {
            detector: file("fr_detect"),
            landmarks: file("fr_landmark"),
            embedder: file("fr_feature"),
            mobile_face_net: dir.join("mobile_face_net.tflite"),
            sface: file("sface"),
            liveness: file("fr_liveness"),
            pose: file("fr_pose"),
            eyes: file("fr_eye"),
        }
    }

    /// Whether the networks of an embedder are there.
    #[must_use]
    pub fn has_networks_of(&self, embedder: Embedder) -> bool {
        self.networks(embedder).iter().all(|file| file.exists())
    }

    fn networks(&self, embedder: Embedder) -> Vec<&PathBuf> {
        match embedder {
            Embedder::Fused => vec![&self.embedder, &self.mobile_face_net],
            Embedder::Sface => vec![&self.embedder, &self.sface],
            Embedder::FrFeature => vec![&self.embedder],
            Embedder::Own(own) => vec![&own.file],
        }
    }

    /// Those that a template rests on.
    pub(crate) fn of_templates(&self, chosen: Chosen) -> Vec<&PathBuf> {
        // The points of a detector of the user's own take the place of the landmarks.
        let finders = match chosen.detector {
            Detector::Shipped => vec![&self.detector, &self.landmarks],
            Detector::Own(own) => vec![&own.file],
        };
        [finders, self.networks(chosen.embedder)].concat()
    }
}
