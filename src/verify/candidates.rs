//! Faces on their way into a list: seen, judged, and added with all of their templates.

use super::plan::PlannedSearch;
use super::probe::Probe;
use super::search::of_path;
use super::{Verifier, VerifyError, only_face, template};
use crate::domain::decision::FaceQuality;
use crate::domain::face::{Face, Template};
use crate::domain::ids::{SubjectId, TenantId, WatchlistId};
use crate::domain::quality::{Shortfall, enrolment_shortfalls};
use crate::domain::watchlist::EnrolledFace;
use crate::store::{NewFace, TenantTx};
use crate::vision::{AnalysisRequest, Embed, Encoded, Layout, VisionError};

/// What is wanted of a picture to enrol: one face, its template, and all that tells how good it is.
pub(crate) const ENROLMENT: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    pose: true,
    eyes: true,
    ..AnalysisRequest::of(Layout::Selfie)
};

/// A picture that is not good enough.
#[derive(Debug)]
pub struct PoorPicture {
    /// Which of several it is, from 0.
    pub index: Option<usize>,
    /// What is wrong with it.
    pub shortfalls: Vec<Shortfall>,
}

/// A face that is good enough to be enrolled.
pub struct Candidate {
    pub(super) template: Template,
    /// Of the embedder that the list is going over to.
    pub(super) spare: Option<Template>,
    pub(super) quality: FaceQuality,
    /// The picture, where pictures may be kept at all.
    image: Option<Encoded>,
}

/// The one face of a picture.
pub(super) struct Seen {
    face: Face,
    /// By the embedder that the list is going over to.
    spare: Option<Template>,
    /// The picture, where pictures may be kept at all.
    image: Option<Encoded>,
}

impl Candidate {
    /// The face as a person's.
    pub(super) fn of(&self, subject: SubjectId) -> NewFace<'_> {
        NewFace {
            subject,
            template: &self.template,
            image: self.image.as_ref().map(Encoded::bytes),
        }
    }
}

impl Verifier {
    /// What enrolments on a list go by.
    ///
    /// # Errors
    /// [`VerifyError::NotFound`] where there is no such list.
    pub(crate) async fn plan_enrolment(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
    ) -> Result<PlannedSearch, VerifyError> {
        let lists = self.plan_search(tenant, &[watchlist_id], None).await;
        lists.map_err(of_path)?.pop().ok_or(VerifyError::NotFound)
    }

    /// The one face of a picture, with a template by each of the list's embedders.
    pub(super) async fn look_at(
        &self,
        list: &PlannedSearch,
        image: &Encoded,
    ) -> Result<Seen, VerifyError> {
        let request = AnalysisRequest {
            embedder: list.embedder.embedder,
            ..ENROLMENT
        };
        let analysing = self.analyse("image", image.clone(), request);
        let face = only_face("image", analysing.await?.faces)?;
        let spare = self.spare_template(list, image).await?;
        // Without a key for that, its memory is free earlier.
        let image = self.store.can_keep_images().then(|| image.clone());
        Ok(Seen { face, spare, image })
    }

    /// The template by the embedder that the list is going over to; none where that one fails, which keeps nobody from being
    /// enrolled.
    async fn spare_template(
        &self,
        list: &PlannedSearch,
        image: &Encoded,
    ) -> Result<Option<Template>, VerifyError> {
        let Some(also) = &list.also else {
            return Ok(None);
        };
        let mut probe = Probe::new("image", image.clone());
        match self.template_by(&mut probe, also).await {
            Ok(template) => Ok(Some(template)),
            Err(VerifyError::Vision {
                source: VisionError::Inference(error),
                ..
            }) => {
                tracing::warn!(watchlist.id = %list.watchlist_id, error, "no template by the other embedder of a list");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Adds faces with all of their templates, which were made as the list was planned: where it goes by others now, nothing.
    pub(super) async fn insert_faces(
        &self,
        transaction: &mut TenantTx,
        list: &PlannedSearch,
        faces: &[(SubjectId, &Candidate)],
    ) -> Result<Vec<EnrolledFace>, VerifyError> {
        let watchlist_id = list.watchlist_id;
        transaction.lock_watchlist(watchlist_id).await?;
        if !self.is_as_planned(transaction, list).await? {
            return Err(VerifyError::AnotherEmbedder(watchlist_id));
        }
        let new = faces.iter().map(|(subject, face)| face.of(*subject));
        let new: Vec<NewFace<'_>> = new.collect();
        let enrolled = transaction.insert_faces(watchlist_id, &new).await?;
        let spare: Vec<_> = faces
            .iter()
            .zip(&enrolled)
            .filter_map(|((subject, candidate), face)| {
                Some((*subject, face.id, candidate.spare.as_ref()?))
            })
            .collect();
        transaction
            .insert_spare_templates(watchlist_id, &spare)
            .await?;
        Ok(enrolled)
    }
}

/// Refuses faces that are too poor, all of them named.
pub(super) fn admit(seen: Vec<Seen>) -> Result<Vec<Candidate>, VerifyError> {
    let several = seen.len() > 1;
    let mut candidates = Vec::with_capacity(seen.len());
    let mut poor = Vec::new();
    for (index, Seen { face, spare, image }) in seen.into_iter().enumerate() {
        let quality = FaceQuality::of(&face);
        let shortfalls = enrolment_shortfalls(&quality);
        if !shortfalls.is_empty() {
            let index = several.then_some(index);
            poor.push(PoorPicture { index, shortfalls });
        }
        let template = template("image", &face)?;
        candidates.push(Candidate {
            template,
            spare,
            quality,
            image,
        });
    }
    if poor.is_empty() {
        Ok(candidates)
    } else {
        Err(VerifyError::QualityTooLow(poor))
    }
}
