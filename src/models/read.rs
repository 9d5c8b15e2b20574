//! A model's folder, read.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Table;

use super::{CALIBRATION, MANIFEST, MODEL, OwnModel, OwnModelError, is_name};
use crate::domain::calibration::{Calibration, InvalidCalibration};
use crate::domain::detector::{DetectorManifest, OwnDetector};
use crate::domain::embedder::{OwnEmbedder, OwnManifest};

/// What a manifest says of its model's role. Those of embedders say nothing, as those from before there were others.
const ROLE: &str = "role";
const DETECTOR: &str = "detector";

/// What a detector's manifest is written as.
pub(super) fn text_of_detector(manifest: &DetectorManifest) -> Result<String, toml::ser::Error> {
    Ok(format!(
        "{ROLE} = \"{DETECTOR}\"\n{}",
        toml::to_string(manifest)?
    ))
}

/// The model of a name among those of a folder.
pub(super) fn read(models: &Path, name: &str) -> Result<OwnModel, OwnModelError> {
    let folder = models.join(name);
    let path = folder.join(MANIFEST);
    if !is_name(name) || !path.exists() {
        return Err(OwnModelError::Unknown(name.to_owned()));
    }
    let text = fs::read_to_string(&path).map_err(|source| OwnModelError::Read {
        path: path.clone(),
        source,
    })?;
    let invalid = |reason: String| OwnModelError::Manifest {
        path: path.clone(),
        reason,
    };
    let parsed = text.parse::<Table>();
    let mut manifest = parsed.map_err(|error| invalid(error.message().to_owned()))?;
    let role = manifest.remove(ROLE);
    let file = folder.join(MODEL);
    let model = match role.as_ref().map(|role| role.as_str()) {
        None => {
            let manifest: OwnManifest = from(manifest).map_err(invalid)?;
            OwnModel::Embedder(Box::new(OwnEmbedder {
                calibration: calibration(&folder.join(CALIBRATION), &manifest.id)?,
                file,
                manifest,
            }))
        }
        Some(Some(DETECTOR)) => OwnModel::Detector(Box::new(OwnDetector {
            manifest: from::<DetectorManifest>(manifest).map_err(invalid)?,
            file,
        })),
        Some(_) => return Err(invalid(format!("its {ROLE} is not {DETECTOR}"))),
    };
    if model.name() == name {
        Ok(model)
    } else {
        Err(invalid(format!("it is that of {}", model.name())))
    }
}

fn from<M: DeserializeOwned>(manifest: Table) -> Result<M, String> {
    let read = manifest.try_into();
    read.map_err(|error: toml::de::Error| error.message().to_owned())
}

/// The calibration in a file, where there is one.
fn calibration(path: &Path, model_id: &str) -> Result<Option<Calibration>, OwnModelError> {
    let invalid = |reason: String| OwnModelError::Calibration {
        path: path.to_owned(),
        reason,
    };
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|source| OwnModelError::Read {
            path: path.to_owned(),
            source,
        })?,
    };
    let table = Calibration::parse(&text)
        .map_err(|error: InvalidCalibration| invalid(error.to_string()))?;
    if table.model_id != model_id {
        return Err(invalid(format!("it is that of {}", table.model_id)));
    }
    Ok(Some(table))
}
