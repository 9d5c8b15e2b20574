//! Adding a model: what its file says is read, what it does is tried on faces, and nonsense is refused with a reason.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{MANIFEST, MAX_NAME, MODEL, OwnModelError, OwnModels, is_name};
use crate::domain::embedder::{
    ChannelOrder, Embedder, InputLayout, OwnEmbedder, OwnInput, OwnManifest,
};
use crate::domain::face::Template;
use crate::domain::hex::hex;
use crate::vision::{
    AnalysisRequest, Embed, FaceBackend as _, ImageLimits, Interface, Layout, ModelError,
    ModelFiles, OnnxBackend, Runtime, VisionError, inspect,
};

/// Side of the input where the file leaves it open: that of faces as ArcFace has them.
const USUAL_SIDE: i64 = 112;
/// Sides that are taken.
const SIDES: std::ops::RangeInclusive<i64> = 32..=512;
/// Lengths of templates that are taken; the database holds no longer ones.
const DIMENSIONS: std::ops::RangeInclusive<i64> = 16..=4000;
/// Two pictures of one man have to be so much more alike than pictures of two.
const MIN_MARGIN: f32 = 0.1;
/// A picture that is looked at again gives the same template, up to rounding.
const MIN_REPEATED: f32 = 0.9999;

/// Two pictures of one man, and one of another.
const ONE: &[u8] = include_bytes!("../../fixtures/obama.jpg");
const ONE_AGAIN: &[u8] = include_bytes!("../../fixtures/obama2.jpg");
const ANOTHER: &[u8] = include_bytes!("../../fixtures/biden.jpg");

/// A model that is to be added.
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
        "a name has 1 to {MAX_NAME} small letters, digits, - and _, and is not that of a shipped embedder"
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
    /// The runtime does not take it.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// It fails on a face.
    #[error("the model fails on a face: {0}")]
    Vision(#[from] VisionError),
    /// It does not tell people apart.
    #[error("the model does not do what an embedder does: {0}")]
    Nonsense(String),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] OwnModelError),
}

/// Looks at a model, tries it on faces, and keeps it. Nothing is kept of one that is refused.
///
/// # Errors
/// [`AddError`] says why it is refused.
pub fn add(
    models: &OwnModels,
    new: &NewModel,
    runtime: &Runtime,
    files: &ModelFiles,
) -> Result<OwnManifest, AddError> {
    if !is_name(&new.name) {
        return Err(AddError::Name);
    }
    let folder = models.folder.join(&new.name);
    if folder.exists() {
        return Err(AddError::Exists(new.name.clone()));
    }
    let graph = fs::read(&new.file).map_err(at(&new.file))?;
    let interface = inspect(runtime, &new.file)?;
    let manifest = manifest(new, &interface, &graph).map_err(|reason| AddError::Unfit {
        path: new.file.clone(),
        reason,
    })?;
    // A name that is none, so nobody finds it before it is whole.
    let staging = models.folder.join(format!(".{}", new.name));
    let kept = stage(&staging, &graph, &manifest)
        .and_then(|()| try_on_faces(&staging, &manifest, runtime, files))
        .and_then(|()| Ok(fs::rename(&staging, &folder).map_err(at(&folder))?));
    if kept.is_err() {
        // What is left is in nobody's way.
        let _ = fs::remove_dir_all(&staging);
    }
    kept.map(|()| manifest)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OwnModelError {
    let path = path.to_owned();
    |source| OwnModelError::Read { path, source }
}

/// What is said of it, and what its file says, put together; or what does not fit.
fn manifest(new: &NewModel, interface: &Interface, graph: &[u8]) -> Result<OwnManifest, String> {
    if !(new.mean.is_finite() && new.scale.is_finite() && new.scale > 0.0) {
        return Err("the mean has to be a number, and the scale one above 0".to_owned());
    }
    let (layout, side) = input(interface)?;
    let (output, dimensions) = output(interface, new.output.as_deref())?;
    let mut manifest = OwnManifest {
        name: new.name.clone(),
        id: String::new(),
        sha256: hex(&Sha256::digest(graph)),
        licence: new.licence.clone(),
        origin: new.origin.clone(),
        input: OwnInput {
            layout,
            channels: new.channels,
            side,
            mean: new.mean,
            scale: new.scale,
        },
        output,
        dimensions,
        mirror: new.mirror,
    };
    let OwnInput { mean, scale, .. } = manifest.input;
    let depends = format!(
        "{} {layout:?} {:?} {side} {mean} {scale} {} {}",
        manifest.sha256, new.channels, manifest.output, new.mirror
    );
    let hash = hex(&Sha256::digest(depends));
    manifest.id = format!("{}-{}", new.name, &hash[..8]);
    Ok(manifest)
}

fn input(interface: &Interface) -> Result<(InputLayout, u32), String> {
    let [(_, shape)] = interface.inputs.as_slice() else {
        return Err(format!(
            "it takes {} inputs, and an embedder one",
            interface.inputs.len()
        ));
    };
    let (layout, height, width) = match shape.as_slice() {
        [1 | -1, 3, height, width] => (InputLayout::Nchw, *height, *width),
        [1 | -1, height, width, 3] => (InputLayout::Nhwc, *height, *width),
        _ => {
            return Err(format!(
                "its input has the shape {shape:?}, and one colour picture is [1, 3, side, side] or [1, side, side, 3]"
            ));
        }
    };
    let side = if height == -1 { USUAL_SIDE } else { height };
    if (width != -1 && width != side) || !SIDES.contains(&side) {
        return Err(format!(
            "its input is {width} x {height}, and has to be a square of {} to {}",
            SIDES.start(),
            SIDES.end()
        ));
    }
    Ok((layout, side as u32))
}

fn output(interface: &Interface, wanted: Option<&str>) -> Result<(String, usize), String> {
    let names = || {
        let names: Vec<&str> = interface
            .outputs
            .iter()
            .map(|output| output.0.as_str())
            .collect();
        names.join(", ")
    };
    let found = match (wanted, interface.outputs.as_slice()) {
        (Some(wanted), outputs) => outputs.iter().find(|(name, _)| name == wanted),
        (None, [only]) => Some(only),
        (None, _) => {
            return Err(format!(
                "it has several outputs, name one of them: {}",
                names()
            ));
        }
    };
    let Some((name, shape)) = found else {
        return Err(format!("it has no such output, but {}", names()));
    };
    let values = match shape.as_slice() {
        [1 | -1, sides @ ..] if !sides.is_empty() && sides.iter().all(|side| *side > 0) => sides
            .iter()
            .try_fold(1_i64, |product, side| product.checked_mul(*side)),
        _ => None,
    };
    match values.filter(|values| DIMENSIONS.contains(values)) {
        Some(values) => Ok((name.clone(), values as usize)),
        None => Err(format!(
            "its output {name} has the shape {shape:?}, and a template is [1, {} to {}]",
            DIMENSIONS.start(),
            DIMENSIONS.end()
        )),
    }
}

fn stage(folder: &Path, graph: &[u8], manifest: &OwnManifest) -> Result<(), AddError> {
    // What an attempt before left when it was killed.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(at(folder))?;
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(at(&path))
    };
    let text = toml::to_string(manifest).map_err(|error| OwnModelError::Manifest {
        path: folder.join(MANIFEST),
        reason: error.to_string(),
    })?;
    written(MODEL, graph)?;
    written(MANIFEST, text.as_bytes())?;
    Ok(())
}

/// Whether it tells two men apart, from photographs that are part of the program.
fn try_on_faces(
    folder: &Path,
    manifest: &OwnManifest,
    runtime: &Runtime,
    files: &ModelFiles,
) -> Result<(), AddError> {
    let own = OwnEmbedder {
        manifest: manifest.clone(),
        file: folder.join(MODEL),
        calibration: None,
    };
    let embedder = Embedder::Own(Box::leak(Box::new(own)));
    let mut backend = OnnxBackend::load(runtime, files, embedder, ImageLimits::default())?;
    let request = AnalysisRequest {
        embed: Embed::Largest,
        ..AnalysisRequest::of(Layout::Selfie)
    };
    let mut template = |picture: &[u8]| -> Result<Template, AddError> {
        let faces = backend.analyse(picture, &request)?.faces;
        let template = faces.into_iter().next().and_then(|face| face.template);
        template.ok_or_else(|| AddError::Nonsense("it makes no template of a face".to_owned()))
    };
    let [one, again, another] = [ONE, ONE_AGAIN, ANOTHER].map(&mut template);
    let (one, again, another, repeated) = (one?, again?, another?, template(ONE)?);
    judge([
        one.similarity(&repeated),
        one.similarity(&again),
        one.similarity(&another)
            .zip(again.similarity(&another))
            .map(|(first, second)| first.max(second)),
    ])
}

/// Of similarities of a picture with itself, of two pictures of one man, and of the most alike ones of two.
fn judge(similarities: [Option<f32>; 3]) -> Result<(), AddError> {
    let [repeated, mated, non_mated] = similarities.map(|found| found.unwrap_or(f32::NAN));
    if repeated < MIN_REPEATED || repeated.is_nan() {
        return Err(AddError::Nonsense(format!(
            "the same picture looked at twice has a similarity of {repeated:.3}"
        )));
    }
    let margin = mated - non_mated;
    if margin < MIN_MARGIN || margin.is_nan() {
        return Err(AddError::Nonsense(format!(
            "two pictures of one man have a similarity of {mated:.3}, and those of two {non_mated:.3}; are the order \
             of colours, mean and scale right?"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewModel {
        NewModel {
            name: "mine".to_owned(),
            file: PathBuf::from("mine.onnx"),
            licence: "ours".to_owned(),
            origin: "here".to_owned(),
            channels: ChannelOrder::Rgb,
            mean: 127.5,
            scale: 1.0 / 127.5,
            output: None,
            mirror: false,
        }
    }

    fn interface(input: &[i64], outputs: &[(&str, &[i64])]) -> Interface {
        let named = |(name, shape): &(&str, &[i64])| ((*name).to_owned(), shape.to_vec());
        Interface {
            inputs: vec![("input".to_owned(), input.to_vec())],
            outputs: outputs.iter().map(named).collect(),
        }
    }

    #[test]
    fn what_the_file_says_becomes_the_manifest() {
        for (input, output, layout, side, dimensions) in [
            (
                &[1, 3, 112, 112][..],
                &[1, 512][..],
                InputLayout::Nchw,
                112,
                512,
            ),
            (&[-1, 3, -1, -1], &[-1, 256], InputLayout::Nchw, 112, 256),
            (
                &[1, 160, 160, 3],
                &[1, 128, 1, 1],
                InputLayout::Nhwc,
                160,
                128,
            ),
        ] {
            let interface = interface(input, &[("e", output)]);
            let made = manifest(&new(), &interface, b"abc").unwrap();
            assert_eq!((made.input.layout, made.input.side), (layout, side));
            assert_eq!((made.output.as_str(), made.dimensions), ("e", dimensions));
        }
    }

    #[test]
    fn whatever_changes_templates_changes_the_id() {
        let interface = interface(&[1, 3, 112, 112], &[("a", &[1, 512]), ("b", &[1, 512])]);
        let a = NewModel {
            output: Some("a".to_owned()),
            ..new()
        };
        let id = |new: &NewModel, graph: &[u8]| manifest(new, &interface, graph).unwrap().id;
        let first = id(&a, b"abc");
        assert!(first.starts_with("mine-") && first.len() == 13, "{first}");
        assert_eq!(
            first,
            id(
                &NewModel {
                    licence: "other".to_owned(),
                    ..a.clone()
                },
                b"abc"
            )
        );
        for other in [
            NewModel {
                output: Some("b".to_owned()),
                ..a.clone()
            },
            NewModel {
                channels: ChannelOrder::Bgr,
                ..a.clone()
            },
            NewModel {
                mean: 127.0,
                ..a.clone()
            },
            NewModel {
                scale: 1.0,
                ..a.clone()
            },
            NewModel {
                mirror: true,
                ..a.clone()
            },
        ] {
            assert_ne!(first, id(&other, b"abc"), "{other:?}");
        }
        assert_ne!(first, id(&a, b"abd"));
    }

    #[test]
    fn what_cannot_be_an_embedder_is_refused_with_the_reason() {
        let square: &[i64] = &[1, 3, 112, 112];
        for (input, outputs, reason) in [
            (
                &[1, 1, 64, 64][..],
                &[("e", &[1, 512][..])][..],
                "[1, 1, 64, 64]",
            ),
            (&[2, 3, 112, 112], &[("e", &[2, 512])], "[2, 3, 112, 112]"),
            (&[1, 3, 112, 96], &[("e", &[1, 512])], "96 x 112"),
            (&[1, 3, 1024, 1024], &[("e", &[1, 512])], "1024"),
            (&[1, 3], &[("e", &[1, 512])], "[1, 3]"),
            (square, &[("e", &[1, 5000])], "[1, 5000]"),
            (square, &[("e", &[1, -1])], "[1, -1]"),
            (square, &[("e", &[512])], "[512]"),
            (
                square,
                &[("a", &[1, 512]), ("b", &[1, 512])],
                "name one of them: a, b",
            ),
            (square, &[], "several outputs"),
        ] {
            let refused = manifest(&new(), &interface(input, outputs), b"abc").unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        let named = NewModel {
            output: Some("c".to_owned()),
            ..new()
        };
        let refused = manifest(&named, &interface(square, &[("e", &[1, 512])]), b"abc");
        assert!(refused.unwrap_err().contains("no such output, but e"));
        for (mean, scale) in [(f32::NAN, 1.0), (0.0, 0.0), (0.0, f32::INFINITY)] {
            let new = NewModel {
                mean,
                scale,
                ..new()
            };
            assert!(manifest(&new, &interface(square, &[("e", &[1, 512])]), b"abc").is_err());
        }
        let two = Interface {
            inputs: vec![Default::default(); 2],
            ..interface(square, &[("e", &[1, 512])])
        };
        assert!(
            manifest(&new(), &two, b"abc")
                .unwrap_err()
                .contains("2 inputs")
        );
    }

    #[test]
    fn a_network_that_does_not_tell_people_apart_is_refused() {
        assert!(judge([Some(1.0), Some(0.6), Some(0.1)]).is_ok());
        for (similarities, reason) in [
            ([Some(0.9), Some(0.6), Some(0.1)], "twice"),
            ([Some(1.0), Some(0.95), Some(0.9)], "0.950"),
            ([Some(1.0), Some(0.2), Some(0.3)], "order of colours"),
            ([Some(1.0), None, Some(0.1)], "NaN"),
            ([None, Some(0.6), Some(0.1)], "twice"),
        ] {
            let refused = judge(similarities).unwrap_err().to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
