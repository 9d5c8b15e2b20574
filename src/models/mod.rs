//! The user's own models: a folder each below the home, with the file, what is known of it, and its calibration.
//!
//! What the service ships with is listed in `assets.toml`. Here is what was added: `own-models/NAME/` with `model.onnx`,
//! `model.toml` ([`OwnManifest`]) and, once it was measured, `calibration.json`. Nothing is taken for a model that is not
//! what its manifest says.

mod add;
mod fit;
mod known;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};

pub use add::{AddError, NewModel, add};
pub use known::{AtWork, KnownModel, known};

use crate::assets::sha256_of;
use crate::domain::calibration::{Calibration, InvalidCalibration};
use crate::domain::embedder::{Embedder, OwnEmbedder, OwnManifest};

/// The folder of the user's models, below the home: not that of the assets, which has the home's name unless set.
const FOLDER: &str = "own-models";
const MODEL: &str = "model.onnx";
const MANIFEST: &str = "model.toml";
const CALIBRATION: &str = "calibration.json";
/// Longest name of a model.
const MAX_NAME: usize = 40;

/// Why a model of the user's own cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnModelError {
    /// There is none of this name.
    #[error("there is no model {0}: likeness models list shows those that there are")]
    Unknown(String),
    /// A file of it cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of it cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its manifest is none.
    #[error("{path} is not a manifest: {reason}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Its file is not the one that was added.
    #[error("{path} is not the file that was added: its SHA-256 is {found}")]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: String,
    },
    /// Its calibration is none, or of another model.
    #[error("{path} is not the calibration of this model: {reason}")]
    Calibration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It was not calibrated yet.
    #[error(
        "the model {0} has no calibration, so no threshold is known: likeness models calibrate {0} --dataset DIR"
    )]
    NotCalibrated(String),
}

/// The user's own models.
#[derive(Debug, Clone)]
pub struct OwnModels {
    folder: PathBuf,
}

impl OwnModels {
    /// Those of a home.
    #[must_use]
    pub fn of_home(home: &Path) -> Self {
        Self {
            folder: home.join(FOLDER),
        }
    }

    /// What is known of each, by name.
    ///
    /// # Errors
    /// [`OwnModelError`] where the folder or a manifest cannot be read.
    pub fn list(&self) -> Result<Vec<OwnEmbedder>, OwnModelError> {
        let read = |source| OwnModelError::Read {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(read)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(read)?.file_name();
            names.extend(
                name.to_str()
                    .filter(|name| is_name(name))
                    .map(str::to_owned),
            );
        }
        names.sort();
        names.iter().map(|name| self.read(name)).collect()
    }

    /// One that can be at work: its file is the one that was added, and it is calibrated. It is there to the end of the
    /// process.
    ///
    /// # Errors
    /// [`OwnModelError`].
    pub fn embedder(&self, name: &str) -> Result<Embedder, OwnModelError> {
        let own = self.checked(name)?;
        if own.calibration.is_none() {
            return Err(OwnModelError::NotCalibrated(name.to_owned()));
        }
        Ok(Embedder::Own(Box::leak(Box::new(own))))
    }

    /// One that is to be calibrated.
    ///
    /// # Errors
    /// [`OwnModelError`].
    pub fn uncalibrated(&self, name: &str) -> Result<Embedder, OwnModelError> {
        Ok(Embedder::Own(Box::leak(Box::new(self.checked(name)?))))
    }

    /// Where the calibration of a model goes.
    #[must_use]
    pub fn calibration_file(&self, name: &str) -> PathBuf {
        self.folder.join(name).join(CALIBRATION)
    }

    fn checked(&self, name: &str) -> Result<OwnEmbedder, OwnModelError> {
        let own = self.read(name)?;
        let found = sha256_of(&own.file).map_err(|source| OwnModelError::Read {
            path: own.file.clone(),
            source,
        })?;
        if found == own.manifest.sha256 {
            Ok(own)
        } else {
            let path = own.file;
            Err(OwnModelError::OtherFile { path, found })
        }
    }

    fn read(&self, name: &str) -> Result<OwnEmbedder, OwnModelError> {
        let folder = self.folder.join(name);
        let path = folder.join(MANIFEST);
        if !is_name(name) || !path.exists() {
            return Err(OwnModelError::Unknown(name.to_owned()));
        }
        let text = fs::read_to_string(&path).map_err(|source| OwnModelError::Read {
            path: path.clone(),
            source,
        })?;
        let manifest: OwnManifest =
            toml::from_str(&text).map_err(|error| OwnModelError::Manifest {
                path: path.clone(),
                reason: error.message().to_owned(),
            })?;
        if manifest.name != name {
            let reason = format!("it is that of {}", manifest.name);
            return Err(OwnModelError::Manifest { path, reason });
        }
        Ok(OwnEmbedder {
            calibration: calibration(&folder.join(CALIBRATION), &manifest.id)?,
            file: folder.join(MODEL),
            manifest,
        })
    }
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

/// Names are folders and parts of ids: small letters, digits, `-` and `_`.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(allowed)
        && name.parse::<Embedder>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::embedder::{ChannelOrder, InputLayout, OwnInput};

    fn manifest(name: &str) -> OwnManifest {
        OwnManifest {
            name: name.to_owned(),
            id: format!("{name}-00000000"),
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
            licence: "ours".to_owned(),
            origin: "here".to_owned(),
            input: OwnInput {
                layout: InputLayout::Nchw,
                channels: ChannelOrder::Bgr,
                side: 112,
                mean: 127.5,
                scale: 1.0 / 127.5,
            },
            output: "embedding".to_owned(),
            dimensions: 256,
            mirror: true,
        }
    }

    /// A home with a model whose file holds `abc`.
    fn home(manifest: &OwnManifest) -> (tempfile::TempDir, OwnModels) {
        let home = tempfile::tempdir().unwrap();
        let models = OwnModels::of_home(home.path());
        let folder = models.folder.join(&manifest.name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(MODEL), "abc").unwrap();
        fs::write(folder.join(MANIFEST), toml::to_string(manifest).unwrap()).unwrap();
        (home, models)
    }

    fn calibrate(models: &OwnModels, name: &str, model_id: &str) {
        let table = Calibration {
            model_id: model_id.to_owned(),
            ..Calibration::shipped()
        };
        let json = serde_json::to_string(&table).unwrap();
        fs::write(models.calibration_file(name), json).unwrap();
    }

    #[test]
    fn a_model_is_at_work_when_its_file_and_its_calibration_are_its_own() {
        let manifest = manifest("mine");
        let (_home, models) = home(&manifest);
        let refused = models.embedder("mine").unwrap_err();
        assert!(
            matches!(refused, OwnModelError::NotCalibrated(_)),
            "{refused}"
        );
        assert_eq!(models.uncalibrated("mine").unwrap().id(), manifest.id);

        calibrate(&models, "mine", "another-00000000");
        let refused = models.embedder("mine").unwrap_err();
        assert!(
            matches!(refused, OwnModelError::Calibration { .. }),
            "{refused}"
        );

        calibrate(&models, "mine", &manifest.id);
        let embedder = models.embedder("mine").unwrap();
        assert_eq!((embedder.name(), embedder.dimensions()), ("mine", 256));
        assert_eq!(Calibration::of(embedder).model_id, manifest.id);
        assert_eq!(models.list().unwrap()[0].manifest, manifest);

        fs::write(models.folder.join("mine").join(MODEL), "abd").unwrap();
        let refused = models.embedder("mine").unwrap_err();
        assert!(
            matches!(refused, OwnModelError::OtherFile { .. }),
            "{refused}"
        );
    }

    #[test]
    fn what_is_not_there_or_not_a_name_is_unknown() {
        let (_home, models) = home(&manifest("mine"));
        for name in ["other", "", "..", "Mine", "a/b", "fused", &"x".repeat(41)] {
            let refused = models.uncalibrated(name).unwrap_err();
            assert!(matches!(refused, OwnModelError::Unknown(_)), "{name}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(OwnModels::of_home(empty.path()).list().unwrap().is_empty());
    }

    #[test]
    fn a_manifest_of_another_model_or_with_other_fields_is_refused() {
        let (_home, models) = home(&manifest("mine"));
        let path = models.folder.join("mine").join(MANIFEST);
        let other = toml::to_string(&manifest("yours")).unwrap();
        let more = toml::to_string(&manifest("mine")).unwrap() + "\n[more]\nfield = 1\n";
        for text in [other, more, "no manifest".to_owned()] {
            fs::write(&path, text).unwrap();
            let refused = models.list().unwrap_err();
            assert!(
                matches!(refused, OwnModelError::Manifest { .. }),
                "{refused}"
            );
        }
    }
}
