//! A network is tried on photographs before it is kept.

use std::path::Path;

use super::MODEL;
use super::add::AddError;
use crate::domain::chosen::Chosen;
use crate::domain::embedder::{Embedder, OwnEmbedder, OwnManifest};
use crate::domain::face::Template;
use crate::vision::{
    AnalysisRequest, Embed, FaceBackend as _, ImageLimits, Layout, ModelFiles, OnnxBackend, Runtime,
};

/// Two pictures of one man have to be so much more alike than pictures of two.
const MIN_MARGIN: f32 = 0.1;
/// A picture that is looked at again gives the same template, up to rounding.
const MIN_REPEATED: f32 = 0.9999;

/// Two pictures of one man, and one of another.
pub(super) const ONE: &[u8] = include_bytes!("../../fixtures/obama.jpg");
pub(super) const ONE_AGAIN: &[u8] = include_bytes!("../../fixtures/obama2.jpg");
pub(super) const ANOTHER: &[u8] = include_bytes!("../../fixtures/biden.jpg");

/// Whether it tells two men apart, from photographs that are part of the program.
pub(super) fn try_on_faces(
    folder: &Path,
    manifest: &OwnManifest,
    runtime: &'static Runtime,
    files: &ModelFiles,
) -> Result<(), AddError> {
    let own = OwnEmbedder {
        manifest: manifest.clone(),
        file: folder.join(MODEL),
        calibration: None,
    };
    let chosen = Chosen {
        embedder: Embedder::Own(Box::leak(Box::new(own))),
        ..Chosen::default()
    };
    let mut backend = OnnxBackend::load(runtime, files, chosen, ImageLimits::default())?;
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
