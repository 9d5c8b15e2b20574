//! What models there are, and where they come from.

use super::{OwnModel, OwnModelError, OwnModels};
use crate::assets::Assets;
use crate::domain::chosen::Chosen;
use crate::domain::detector::{Detector, OwnDetector};
use crate::domain::embedder::{Embedder, OwnEmbedder};

/// A model, shipped or of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownModel {
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: String,
    /// The licence that it is used under.
    pub licence: String,
    /// The package that it comes from, or what was said when it was added.
    pub origin: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Whether the service works with it.
    pub at_work: bool,
    /// The id of its templates, where it is an embedder of the user's own.
    pub embedder_id: Option<String>,
    /// Whether error rates are known of its similarities, where it is an embedder of the user's own.
    pub calibrated: Option<bool>,
}

/// What the service is to work with.
#[derive(Debug, Clone, Copy)]
pub struct AtWork {
    /// The detector and the embedder.
    pub chosen: Chosen,
    /// Whether zones of documents are read.
    pub reads_zones: bool,
}

/// All of them, those that are shipped first.
///
/// # Errors
/// [`OwnModelError`] where those of the user cannot be read.
pub fn known(
    assets: &Assets,
    own: &OwnModels,
    at_work: AtWork,
) -> Result<Vec<KnownModel>, OwnModelError> {
    let shipped = assets.models().map(|(package, asset)| KnownModel {
        name: asset.name.clone(),
        role: asset.purpose.clone(),
        licence: package.licence.clone(),
        origin: format!("{} {}", package.name, package.version),
        sha256: asset.sha256.clone(),
        at_work: at_work.has_shipped(&asset.name),
        embedder_id: None,
        calibrated: None,
    });
    let mut known: Vec<KnownModel> = shipped.collect();
    known.extend(own.list()?.into_iter().map(|own| match own {
        OwnModel::Embedder(own) => at_work.of_embedder(*own),
        OwnModel::Detector(own) => at_work.of_detector(*own),
    }));
    Ok(known)
}

impl AtWork {
    fn has_shipped(self, name: &str) -> bool {
        let Chosen { detector, embedder } = self.chosen;
        match name {
            "fr_detect" => detector == Detector::Shipped,
            "fr_feature" => !matches!(embedder, Embedder::Own(_)),
            "mobile_face_net" => embedder == Embedder::Fused,
            "sface" => embedder == Embedder::Sface,
            "text_detect" | "text_recognise" => self.reads_zones,
            _ => true,
        }
    }

    fn of_embedder(self, own: OwnEmbedder) -> KnownModel {
        KnownModel {
            role: "turns a face into a template".to_owned(),
            at_work: self.chosen.embedder.id() == own.manifest.id,
            calibrated: Some(own.calibration.is_some()),
            embedder_id: Some(own.manifest.id),
            name: own.manifest.name,
            licence: own.manifest.licence,
            origin: own.manifest.origin,
            sha256: own.manifest.sha256,
        }
    }

    fn of_detector(self, own: OwnDetector) -> KnownModel {
        KnownModel {
            role: format!(
                "finds faces and five points of each, as {}",
                own.manifest.layout
            ),
            at_work: self.chosen.detector.id() == own.manifest.id,
            calibrated: None,
            embedder_id: None,
            name: own.manifest.name,
            licence: own.manifest.licence,
            origin: own.manifest.origin,
            sha256: own.manifest.sha256,
        }
    }
}
