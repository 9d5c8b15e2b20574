//! Adding a detector: what it gives is found out, and on photographs it has to find what the shipped one finds.

use std::path::PathBuf;

use super::OwnModels;
use super::add::{AddError, keep, read_new};
use super::fit_detector::{canvas, manifest};
use super::read::text_of_detector;
use super::trial_detector::try_detector;
use crate::domain::detector::DetectorManifest;
use crate::vision::{Interface, ModelFiles, Runtime, recognise};

/// A detector that is to be added.
#[derive(Debug, Clone)]
pub struct NewDetector {
    /// By which it will be chosen: 1 to 40 small letters, digits, `-` and `_`.
    pub name: String,
    /// The ONNX file. It is copied.
    pub file: PathBuf,
    /// The licence that it is used under.
    pub licence: String,
    /// Where it comes from.
    pub origin: String,
    /// Confidence from which a find is a face, above 0 and below 1.
    pub min_confidence: f32,
}

/// Looks at a detector, tries it on photographs, and keeps it. Nothing is kept of one that is refused.
///
/// # Errors
/// [`AddError`] says why it is refused.
pub fn add_detector(
    models: &OwnModels,
    new: &NewDetector,
    runtime: &'static Runtime,
    files: &ModelFiles,
) -> Result<DetectorManifest, AddError> {
    let graph = read_new(models, &new.name, &new.file)?;
    let unfit = |reason: String| AddError::UnfitDetector {
        path: new.file.clone(),
        reason,
    };
    let interface = Interface::read(runtime, &new.file, &graph)?;
    let canvas = canvas(&interface).map_err(unfit)?;
    let run = || {
        let given = Interface::of_run(runtime, &new.file, &graph, &canvas.shape());
        given.map_err(|error| format!("it fails on a plain picture: {error}"))
    };
    let recognised = recognise(&interface, canvas, run).map_err(unfit)?;
    let manifest = manifest(new, recognised, canvas, &graph).map_err(unfit)?;
    let text = text_of_detector(&manifest);
    keep(models, &new.name, &graph, text, |folder| {
        try_detector(folder, &manifest, runtime, files)
    })?;
    Ok(manifest)
}
