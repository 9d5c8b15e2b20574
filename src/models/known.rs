//! What models there are, what they take and give, and where they come from.

use super::{OwnModel, OwnModelError, OwnModels};
use crate::assets::{Assets, recipes};
use crate::domain::calibration::Calibration;
use crate::domain::chosen::Chosen;
use crate::domain::detector::{Detector, OwnDetector};
use crate::domain::embedder::{Embedder, OwnEmbedder, Recipe};
use crate::domain::network::Network;

/// A model, shipped or of the user's own: what its manifest says.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownModel {
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub purpose: String,
    /// The licence that it is used under.
    pub licence: String,
    /// The package that it comes from, or what was said when it was added.
    pub origin: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What it is for, what it takes and what is read of it.
    pub network: Network,
    /// The templates that it has a part in.
    pub templates: Vec<PartInTemplate>,
    /// Whether the service works with it.
    pub at_work: bool,
}

/// The part that a network has in an embedder's templates.
#[derive(Debug, Clone, PartialEq)]
pub struct PartInTemplate {
    /// The name of the embedder.
    pub embedder: String,
    /// What its templates carry.
    pub embedder_id: String,
    /// How much this network's cosine counts, above 0 and up to 1.
    pub share: f64,
    /// Whether the mirror image of a face counts as much as the face.
    pub mirror: bool,
    /// What is known of the similarities of its templates; none before that was measured.
    pub calibration: Option<CalibratedOn>,
}

/// What similarities were measured on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalibratedOn {
    /// The dataset.
    pub dataset: String,
    /// SHA-256 over its images in order of name.
    pub dataset_sha256: String,
    /// Different people.
    pub subjects: u64,
    /// Comparisons of two different people.
    pub non_mated_pairs: u64,
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
    let shipped = assets.models().filter_map(|(package, asset)| {
        let parts = recipes()
            .iter()
            .filter_map(|recipe| part(&asset.name, recipe));
        let templates: Vec<PartInTemplate> = parts.collect();
        Some(KnownModel {
            name: asset.name.clone(),
            purpose: asset.purpose.clone(),
            licence: package.licence.clone(),
            origin: format!("{} {}", package.name, package.version),
            sha256: asset.sha256.clone(),
            network: asset.network.clone()?,
            at_work: at_work.has_shipped(&asset.name, &templates),
            templates,
        })
    });
    let mut known: Vec<KnownModel> = shipped.collect();
    known.extend(own.list()?.into_iter().map(|own| match own {
        OwnModel::Embedder(own) => at_work.of_embedder(*own),
        OwnModel::Detector(own) => at_work.of_detector(*own),
    }));
    Ok(known)
}

/// The part of a network in the templates of an embedder that the service ships with.
fn part(network: &str, recipe: &Recipe) -> Option<PartInTemplate> {
    let part = recipe.parts.iter().find(|part| part.network == network)?;
    let embedder: Embedder = recipe.name.parse().ok()?;
    Some(PartInTemplate {
        embedder: recipe.name.clone(),
        embedder_id: embedder.id().to_owned(),
        share: part.share,
        mirror: recipe.mirror,
        calibration: Some(Calibration::of(embedder).into()),
    })
}

impl From<Calibration> for CalibratedOn {
    fn from(calibration: Calibration) -> Self {
        Self {
            dataset: calibration.dataset,
            dataset_sha256: calibration.dataset_sha256,
            subjects: calibration.subjects,
            non_mated_pairs: calibration.non_mated_pairs,
        }
    }
}

impl AtWork {
    /// A network that has a part in templates works where those of the embedder at work are among them.
    fn has_shipped(self, name: &str, templates: &[PartInTemplate]) -> bool {
        let Chosen { detector, embedder } = self.chosen;
        match name {
            "fr_detect" => detector == Detector::Shipped,
            "text_detect" | "text_recognise" => self.reads_zones,
            _ if templates.is_empty() => true,
            _ => templates
                .iter()
                .any(|part| part.embedder_id == embedder.id()),
        }
    }

    fn of_embedder(self, own: OwnEmbedder) -> KnownModel {
        let network = own.manifest.network();
        let at_work = self.chosen.embedder.id() == own.manifest.id;
        let whole = PartInTemplate {
            embedder: own.manifest.name.clone(),
            embedder_id: own.manifest.id,
            share: 1.0,
            mirror: own.manifest.mirror,
            calibration: own.calibration.map(CalibratedOn::from),
        };
        KnownModel {
            name: own.manifest.name,
            purpose: "turns a face into a template".to_owned(),
            licence: own.manifest.licence,
            origin: own.manifest.origin,
            sha256: own.manifest.sha256,
            network,
            templates: vec![whole],
            at_work,
        }
    }

    fn of_detector(self, own: OwnDetector) -> KnownModel {
        KnownModel {
            purpose: format!(
                "finds faces and five points of each, as {}",
                own.manifest.layout
            ),
            network: own.manifest.network(),
            templates: Vec::new(),
            at_work: self.chosen.detector.id() == own.manifest.id,
            name: own.manifest.name,
            licence: own.manifest.licence,
            origin: own.manifest.origin,
            sha256: own.manifest.sha256,
        }
    }
}
