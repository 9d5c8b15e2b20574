//! A face to compare with those of lists: a template of it by each embedder that they are in.

use std::sync::Arc;

use super::{PROBE, Verifier, VerifyError, only_face, template};
use crate::domain::face::Template;
use crate::models::UsableEmbedder;
use crate::vision::{AnalysisRequest, Encoded};

/// The one face of a picture.
#[derive(Clone)]
pub(super) struct Probe {
    part: &'static str,
    picture: Encoded,
    /// By the embedders' ids.
    made: Vec<(Arc<str>, Template)>,
}

impl Probe {
    pub(super) fn new(part: &'static str, picture: Encoded) -> Self {
        Self {
            part,
            picture,
            made: Vec::new(),
        }
    }

    /// The same with a template that was made already.
    pub(super) fn having(mut self, template: Template) -> Self {
        self.made.push((template.model_id().into(), template));
        self
    }
}

impl Verifier {
    /// The template by an embedder, made where it was not yet.
    pub(super) async fn template_by(
        &self,
        probe: &mut Probe,
        embedder: &UsableEmbedder,
    ) -> Result<Template, VerifyError> {
        let mut made = probe.made.iter();
        if let Some((_, template)) = made.find(|(id, _)| *id == embedder.id) {
            return Ok(template.clone());
        }
        let request = AnalysisRequest {
            embedder: embedder.embedder,
            ..PROBE
        };
        let analysis = self.analyse(probe.part, probe.picture.clone(), request);
        let face = only_face(probe.part, analysis.await?.faces)?;
        let template = template(probe.part, &face)?;
        if template.model_id() != &*embedder.id {
            return Err(VerifyError::ModelsDiffer);
        }
        probe
            .made
            .push((Arc::clone(&embedder.id), template.clone()));
        Ok(template)
    }
}
