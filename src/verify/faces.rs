//! Operations on faces that keep nothing.

use super::{PROBE, Verifier, VerifyError, only_face, template};
use crate::domain::audit::{Actor, FacesCompared};
use crate::domain::calibration::{FmrEstimate, Threshold};
use crate::domain::decision::CheckResult;
use crate::domain::face::Face;
use crate::domain::policy::Policy;
use crate::vision::{Analysis, AnalysisRequest, Embed, Layout};

/// What is wanted of a picture whose faces are to be described or compared: all of everybody, since a template's length is
/// their quality's score.
const SCENE: AnalysisRequest = AnalysisRequest {
    embed: Embed::All,
    pose: true,
    eyes: true,
    ..AnalysisRequest::of(Layout::Document)
};
/// What is wanted of the picture of a source face.
const SOURCE: AnalysisRequest = AnalysisRequest {
    pose: true,
    eyes: true,
    ..PROBE
};

/// One source face against every face of every target.
#[derive(Debug)]
pub struct Comparison {
    /// The one face of the source.
    pub source: Face,
    /// The targets, in the caller's order; each holds its faces, largest first.
    pub targets: Vec<Vec<TargetComparison>>,
    /// Similarities at or above it pass.
    pub approve: Threshold,
    /// Similarities at or above it are worth a look.
    pub review: Threshold,
}

/// One face of a target.
#[derive(Debug)]
pub struct TargetComparison {
    /// The face.
    pub face: Face,
    /// Cosine similarity with the source.
    pub similarity: f32,
    /// How often two different people look at least this alike.
    pub fmr: FmrEstimate,
    /// Where the similarity lies between the thresholds.
    pub result: CheckResult,
}

impl Verifier {
    /// Finds and describes every face of a picture.
    ///
    /// # Errors
    /// [`VerifyError::Vision`] where the picture cannot be worked on; no face is an answer, not an error.
    pub async fn detect(&self, image: Vec<u8>) -> Result<Analysis, VerifyError> {
        self.analyse("image", image, SCENE).await
    }

    /// Compares the one face of `source` with every face of every target, and puts it on record.
    ///
    /// # Errors
    /// [`VerifyError`] where a picture cannot be worked on, the source does not show exactly one face, or it cannot be
    /// put on record.
    pub async fn compare(
        &self,
        actor: &Actor,
        source: Vec<u8>,
        targets: Vec<Vec<u8>>,
        policy: &Policy,
    ) -> Result<Comparison, VerifyError> {
        let targets = targets
            .into_iter()
            .map(|target| self.analyse("target", target, SCENE));
        let (source, targets) = tokio::try_join!(
            self.analyse("source", source, SOURCE),
            futures_util::future::try_join_all(targets),
        )?;
        let source = only_face("source", source.faces)?;
        let approve = self.at_work.calibration.threshold(policy.approve_fmr);
        let review = self.at_work.calibration.threshold(policy.review_fmr);
        let reference = template("source", &source)?;
        let compare = |face: Face| {
            let similarity = template("target", &face)?.similarity(&reference);
            let similarity = similarity.ok_or(VerifyError::ModelsDiffer)?;
            let score = f64::from(similarity);
            let result = CheckResult::of(score, &approve, &review);
            Ok(TargetComparison {
                face,
                similarity,
                fmr: self.at_work.calibration.fmr(score),
                result,
            })
        };
        let targets = targets
            .into_iter()
            .map(|target| target.faces.into_iter().map(compare).collect());
        let targets = targets.collect::<Result<Vec<Vec<_>>, VerifyError>>()?;
        let results =
            |faces: &Vec<TargetComparison>| faces.iter().map(|face| face.result).collect();
        let compared = FacesCompared {
            targets: targets.iter().map(results).collect(),
            approve,
            review,
            embedder: self.models.embedder.clone(),
        };
        self.record(actor, &compared.into()).await?;
        Ok(Comparison {
            source,
            targets,
            approve,
            review,
        })
    }
}
