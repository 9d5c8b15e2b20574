//! The user's own models: a folder each below the home, with the file, what is known of it, and its calibration.
//!
//! What the service ships with is listed in `assets.toml`. Here is what was added: `own-models/NAME/` with `model.onnx`,
//! `model.toml` (that of an [`OwnEmbedder`] or an [`OwnDetector`]) and, once an embedder was measured, `calibration.json`.
//! Nothing is taken for a model that is not what its manifest says.

mod add;
mod add_detector;
mod embedders;
mod error;
mod fit;
mod fit_detector;
mod known;
mod read;
mod trial;
mod trial_detector;

use std::fs;
use std::path::{Path, PathBuf};

pub use add::{AddError, NewModel, add};
pub use add_detector::{NewDetector, add_detector};
pub use embedders::{OtherEmbedders, UsableEmbedder};
pub use error::OwnModelError;
pub use known::{AtWork, CalibratedOn, KnownModel, PartInTemplate, known};

use crate::assets::sha256_of;
use crate::domain::detector::{Detector, OwnDetector};
use crate::domain::embedder::{Embedder, OwnEmbedder};
use read::read;

/// The folder of the user's models, below the home: not that of the assets, which has the home's name unless set.
const FOLDER: &str = "own-models";
const MODEL: &str = "model.onnx";
const MANIFEST: &str = "model.toml";
const CALIBRATION: &str = "calibration.json";
/// Longest name of a model.
const MAX_NAME: usize = 40;

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
    pub fn list(&self) -> Result<Vec<OwnModel>, OwnModelError> {
        let unread = |source| OwnModelError::Read {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unread)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(unread)?.file_name();
            names.extend(
                name.to_str()
                    .filter(|name| is_name(name))
                    .map(str::to_owned),
            );
        }
        names.sort();
        names.iter().map(|name| read(&self.folder, name)).collect()
    }

    /// An embedder that can be at work: its file is the one that was added, and it is calibrated. It is there to the end of the
    /// process.
    ///
    /// # Errors
    /// [`OwnModelError`].
    pub fn embedder(&self, name: &str) -> Result<Embedder, OwnModelError> {
        let own = self.checked_embedder(name)?;
        if own.calibration.is_none() {
            return Err(OwnModelError::NotCalibrated(name.to_owned()));
        }
        Ok(Embedder::Own(Box::leak(own)))
    }

    /// An embedder that is to be calibrated.
    ///
    /// # Errors
    /// [`OwnModelError`].
    pub fn uncalibrated(&self, name: &str) -> Result<Embedder, OwnModelError> {
        let own = self.checked_embedder(name)?;
        Ok(Embedder::Own(Box::leak(own)))
    }

    /// A detector: its file is the one that was added. It is there to the end of the process.
    ///
    /// # Errors
    /// [`OwnModelError`].
    pub fn detector(&self, name: &str) -> Result<Detector, OwnModelError> {
        match self.checked(name)? {
            OwnModel::Detector(own) => Ok(Detector::Own(Box::leak(own))),
            OwnModel::Embedder(_) => Err(OwnModelError::Embedder(name.to_owned())),
        }
    }

    /// Where the calibration of a model goes.
    #[must_use]
    pub fn calibration_file(&self, name: &str) -> PathBuf {
        self.folder.join(name).join(CALIBRATION)
    }

    fn checked_embedder(&self, name: &str) -> Result<Box<OwnEmbedder>, OwnModelError> {
        match self.checked(name)? {
            OwnModel::Embedder(own) => Ok(own),
            OwnModel::Detector(_) => Err(OwnModelError::Detector(name.to_owned())),
        }
    }

    fn checked(&self, name: &str) -> Result<OwnModel, OwnModelError> {
        let own = read(&self.folder, name)?;
        let (path, wanted) = match &own {
            OwnModel::Embedder(own) => (&own.file, &own.manifest.sha256),
            OwnModel::Detector(own) => (&own.file, &own.manifest.sha256),
        };
        let found = sha256_of(path).map_err(|source| OwnModelError::Read {
            path: path.clone(),
            source,
        })?;
        if found == *wanted {
            Ok(own)
        } else {
            let path = path.clone();
            Err(OwnModelError::OtherFile { path, found })
        }
    }
}

/// A model of the user's own.
#[derive(Debug)]
pub enum OwnModel {
    /// Turns faces into templates.
    Embedder(Box<OwnEmbedder>),
    /// Finds faces.
    Detector(Box<OwnDetector>),
}

impl OwnModel {
    /// By which it is chosen.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Embedder(own) => &own.manifest.name,
            Self::Detector(own) => &own.manifest.name,
        }
    }
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
    use crate::domain::calibration::Calibration;
    use crate::domain::detector::{DetectorLayout, DetectorManifest};
    use crate::domain::embedder::{OwnInput, OwnManifest};
    use crate::domain::network::{ChannelOrder, InputLayout};

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
        home_with(&manifest.name, &toml::to_string(manifest).unwrap())
    }

    fn home_with(name: &str, manifest: &str) -> (tempfile::TempDir, OwnModels) {
        let home = tempfile::tempdir().unwrap();
        let models = OwnModels::of_home(home.path());
        let folder = models.folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(MODEL), "abc").unwrap();
        fs::write(folder.join(MANIFEST), manifest).unwrap();
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
        let OwnModel::Embedder(listed) = &models.list().unwrap()[0] else {
            panic!("it is listed as a detector");
        };
        assert_eq!(listed.manifest, manifest);

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

    #[test]
    fn a_detector_is_at_work_without_a_calibration_and_never_taken_for_an_embedder() {
        let manifest = DetectorManifest {
            name: "finder".to_owned(),
            id: "finder-00000000".to_owned(),
            sha256: manifest("finder").sha256,
            licence: "ours".to_owned(),
            origin: "here".to_owned(),
            layout: DetectorLayout::YuNet,
            outputs: vec!["cls_8".to_owned(), "obj_8".to_owned()],
            width: 640,
            height: 480,
            min_confidence: 0.6,
        };
        let text = read::text_of_detector(&manifest).unwrap();
        assert!(text.starts_with("role = \"detector\"\n") && text.contains("layout = \"yunet\""));
        let (_home, models) = home_with("finder", &text);
        let OwnModel::Detector(listed) = &models.list().unwrap()[0] else {
            panic!("it is listed as an embedder");
        };
        assert_eq!(listed.manifest, manifest);
        let detector = models.detector("finder").unwrap();
        assert_eq!(
            (detector.name(), detector.id()),
            ("finder", "finder-00000000")
        );
        for refused in [models.embedder("finder"), models.uncalibrated("finder")] {
            let refused = refused.unwrap_err().to_string();
            assert!(
                refused.contains("there is nothing to calibrate"),
                "{refused}"
            );
        }
        fs::write(models.folder.join("finder").join(MODEL), "abd").unwrap();
        let refused = models.detector("finder").unwrap_err();
        assert!(
            matches!(refused, OwnModelError::OtherFile { .. }),
            "{refused}"
        );
    }

    #[test]
    fn an_embedder_or_a_model_of_an_unknown_role_is_no_detector() {
        let (_home, models) = home(&manifest("mine"));
        let refused = models.detector("mine").unwrap_err();
        assert!(matches!(refused, OwnModelError::Embedder(_)), "{refused}");
        let text = toml::to_string(&manifest("mine")).unwrap();
        let (_home, models) = home_with("mine", &format!("role = \"judge\"\n{text}"));
        let refused = models.detector("mine").unwrap_err();
        assert!(
            matches!(refused, OwnModelError::Manifest { .. }),
            "{refused}"
        );
    }
}
