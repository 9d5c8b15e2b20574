//! Adding a model: what its file says is read, what it does is tried on faces, and nonsense is refused with a reason.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::fit::manifest;
use super::trial::try_on_faces;
use super::{MANIFEST, MAX_NAME, MODEL, OwnModelError, OwnModels, is_name};
use crate::domain::detector::Detector;
use crate::domain::embedder::OwnManifest;
use crate::domain::network::ChannelOrder;
use crate::vision::{Interface, ModelError, ModelFiles, Runtime, VisionError};

/// An embedder that is to be added.
#[derive(Debug, Clone)]
pub struct NewModel {
    /// By which it will be chosen: 1 to 40 small letters, digits, `-` and `_`.
    pub name: String,
    /// The ONNX file. It is copied.
    pub file: PathBuf,
    /// The licence that it is used under.
    pub licence: String,
    /// Where it comes from.
    pub origin: String,
    /// In which order it takes colours.
    pub channels: ChannelOrder,
    /// Taken off each value from 0 to 255.
    pub mean: f32,
    /// What is left is multiplied by it.
    pub scale: f32,
    /// The output that is the template; none where it has one only.
    pub output: Option<String>,
    /// Whether the mirror image of a face is to count as much as the face.
    pub mirror: bool,
}

/// Why a model is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Its name cannot be one.
    #[error(
        "a name has 1 to {MAX_NAME} small letters, digits, - and _, and is not that of a shipped embedder or detector"
    )]
    Name,
    /// There is one of this name.
    #[error("there is a model {0} already")]
    Exists(String),
    /// Its file is no network of the kind.
    #[error("{path} cannot be an embedder: {reason}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// Its file is no network of the other kind.
    #[error("{path} cannot be a detector: {reason}")]
    UnfitDetector {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// The runtime does not take it.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// It fails on a face.
    #[error("the model fails on a face: {0}")]
    Vision(#[from] VisionError),
    /// It does not tell people apart.
    #[error("the model does not do what an embedder does: {0}")]
    Nonsense(String),
    /// It does not find the faces that are there.
    #[error("the model does not find what a detector finds: {0}")]
    OtherFaces(String),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] OwnModelError),
}

/// Looks at an embedder, tries it on faces, and keeps it. Nothing is kept of one that is refused.
///
/// # Errors
/// [`AddError`] says why it is refused.
pub fn add(
    models: &OwnModels,
    new: &NewModel,
    runtime: &'static Runtime,
    files: &ModelFiles,
) -> Result<OwnManifest, AddError> {
    let graph = read_new(models, &new.name, &new.file)?;
    let interface = Interface::read(runtime, &new.file, &graph)?;
    let manifest = manifest(new, &interface, &graph).map_err(|reason| AddError::Unfit {
        path: new.file.clone(),
        reason,
    })?;
    let text = toml::to_string(&manifest);
    keep(models, &new.name, &graph, text, |folder| {
        try_on_faces(folder, &manifest, runtime, files)
    })?;
    Ok(manifest)
}

/// The file of a model whose name can be one and is not taken.
pub(super) fn read_new(models: &OwnModels, name: &str, file: &Path) -> Result<Vec<u8>, AddError> {
    if !is_name(name) || name.parse::<Detector>().is_ok() {
        return Err(AddError::Name);
    }
    if models.folder.join(name).exists() {
        return Err(AddError::Exists(name.to_owned()));
    }
    let graph = fs::read(file).map_err(|source| OwnModelError::Read {
        path: file.to_owned(),
        source,
    })?;
    Ok(graph)
}

/// Writes a model's folder and tries what is in it. It has its name once that went well; otherwise nothing is left.
pub(super) fn keep(
    models: &OwnModels,
    name: &str,
    graph: &[u8],
    manifest: Result<String, toml::ser::Error>,
    tried: impl FnOnce(&Path) -> Result<(), AddError>,
) -> Result<(), AddError> {
    let folder = models.folder.join(name);
    // A name that is none, so nobody finds it before it is whole.
    let staging = models.folder.join(format!(".{name}"));
    let kept = stage(&staging, graph, manifest)
        .and_then(|()| tried(&staging))
        .and_then(|()| Ok(fs::rename(&staging, &folder).map_err(unwritten(&folder))?));
    if kept.is_err() {
        // What is left is in nobody's way.
        let _ = fs::remove_dir_all(&staging);
    }
    kept
}

fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> OwnModelError {
    let path = path.to_owned();
    |source| OwnModelError::Write { path, source }
}

fn stage(
    folder: &Path,
    graph: &[u8],
    manifest: Result<String, toml::ser::Error>,
) -> Result<(), AddError> {
    let text = manifest.map_err(|error| OwnModelError::Manifest {
        path: folder.join(MANIFEST),
        reason: error.to_string(),
    })?;
    // What an attempt before left when it was killed.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(unwritten(folder))?;
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(unwritten(&path))
    };
    written(MODEL, graph)?;
    written(MANIFEST, text.as_bytes())?;
    Ok(())
}
