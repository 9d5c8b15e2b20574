//! Enrolment: people and their faces are put on a watchlist.

use std::collections::HashMap;

use futures_util::future::try_join_all;

use super::plan::{PlannedSearch, persist};
use super::probe::Probe;
use super::search::of_path;
use super::{Verifier, VerifyError, only_face, template};
use crate::domain::audit::{
    Actor, AuditEvent, EnrolledFaces, FaceEnrolled, SubjectEnrolled, SubjectReplaced,
};
use crate::domain::decision::FaceQuality;
use crate::domain::duplicate::Duplicate;
use crate::domain::face::{Face, Template};
use crate::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
use crate::domain::quality::{Shortfall, enrolment_shortfalls};
use crate::domain::watchlist::{EnrolledFace, Subject};
use crate::store::{NewFace, NewSubject, TenantTx, Uncommitted};
use crate::vision::{AnalysisRequest, Embed, Encoded, Layout};

/// What is wanted of a picture to enrol: one face, its template, and all that tells how good it is.
pub(crate) const ENROLMENT: AnalysisRequest = AnalysisRequest {
    embed: Embed::Largest,
    pose: true,
    eyes: true,
    ..AnalysisRequest::of(Layout::Selfie)
};

/// A person as they were enrolled.
#[derive(Debug)]
pub struct Enrolment {
    /// The person with all of their faces.
    pub subject: Subject,
    /// False where they were on the list before.
    pub is_new: bool,
    /// How good the pictures of the new faces are; it is not kept.
    pub qualities: HashMap<FaceId, FaceQuality>,
    /// Whom the faces were found to be, best first.
    pub duplicate_of: Vec<Duplicate>,
}

/// A face as it was enrolled.
#[derive(Debug)]
pub struct FaceEnrolment {
    /// The face.
    pub face: EnrolledFace,
    /// How good its picture is; it is not kept.
    pub quality: FaceQuality,
    /// Who else the face was found to be, best first.
    pub duplicate_of: Vec<Duplicate>,
}

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
    quality: FaceQuality,
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
    /// Adds a person with the faces of their pictures, all of them or nothing. On a list that joins duplicates, the
    /// faces go to the person whom they are found to be. The caller commits.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing is kept then.
    pub async fn enrol_subject(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        subject: NewSubject,
        images: Vec<Vec<u8>>,
    ) -> Result<Uncommitted<Enrolment>, VerifyError> {
        self.require_consent(subject.consent.as_ref())?;
        let images = pictures(images);
        persist(|| self.try_to_enrol(actor, watchlist_id, subject.clone(), &images)).await
    }

    async fn try_to_enrol(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        subject: NewSubject,
        images: &[Encoded],
    ) -> Result<Uncommitted<Enrolment>, VerifyError> {
        let tenant = &actor.tenant;
        let (list, candidates) = self.candidates(tenant, watchlist_id, images).await?;
        let (mut transaction, found) = self
            .begin_enrolment(tenant, &list, &candidates, |_| false)
            .await?;
        let (subject_id, is_new) = match found.joined() {
            Some(known)
                if subject.external_id.is_none() || subject.external_id == known.external_id =>
            {
                if let Some(consent) = &subject.consent {
                    let id = known.subject_id;
                    transaction.add_consent(watchlist_id, id, consent).await?;
                }
                (known.subject_id, false)
            }
            Some(_) => return Err(VerifyError::DuplicateSubject(found.others)),
            None => {
                let made = transaction.insert_subject(watchlist_id, subject, &[]);
                (made.await?.id, true)
            }
        };
        let added = self.add_faces(&mut transaction, &list, subject_id, &candidates);
        let (subject, qualities) = added.await?;
        let faces = new_faces(&subject, &qualities, &found.others);
        let event: AuditEvent = if is_new {
            SubjectEnrolled(faces).into()
        } else {
            FaceEnrolled(faces).into()
        };
        transaction.append_audit_event(actor, &event)?;
        let outcome = Enrolment {
            subject,
            is_new,
            qualities,
            duplicate_of: found.others,
        };
        Ok(Uncommitted {
            outcome,
            transaction,
        })
    }

    /// Adds a person, or replaces what is known of whoever has their key: all fields, and all faces where pictures
    /// come along.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing is changed then.
    pub async fn replace_subject(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        subject: NewSubject,
        images: Vec<Vec<u8>>,
    ) -> Result<Enrolment, VerifyError> {
        self.require_consent(subject.consent.as_ref())?;
        let images = pictures(images);
        persist(|| self.try_to_replace(actor, watchlist_id, subject.clone(), &images)).await
    }

    async fn try_to_replace(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        subject: NewSubject,
        images: &[Encoded],
    ) -> Result<Enrolment, VerifyError> {
        let tenant = &actor.tenant;
        let (list, candidates) = self.candidates(tenant, watchlist_id, images).await?;
        let key = subject.external_id.clone();
        let themselves = |found: &Duplicate| found.external_id == key;
        let (mut transaction, found) = self
            .begin_enrolment(tenant, &list, &candidates, themselves)
            .await?;
        if found.joined().is_some() {
            return Err(VerifyError::DuplicateSubject(found.others));
        }
        let (subject_id, is_new) = transaction.put_subject(watchlist_id, subject).await?;
        let removed_faces = if candidates.is_empty() {
            0
        } else {
            transaction.delete_faces(watchlist_id, subject_id).await?
        };
        let added = self.add_faces(&mut transaction, &list, subject_id, &candidates);
        let (subject, qualities) = added.await?;
        let faces = new_faces(&subject, &qualities, &found.others);
        let event: AuditEvent = if is_new {
            SubjectEnrolled(faces).into()
        } else {
            let replaced = SubjectReplaced {
                faces,
                removed_faces,
            };
            replaced.into()
        };
        transaction.append_audit_event(actor, &event)?;
        transaction.commit().await?;
        Ok(Enrolment {
            subject,
            is_new,
            qualities,
            duplicate_of: found.others,
        })
    }

    /// Adds a face to a person, whose consent is known by now where it has to be. The caller commits.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing is kept then.
    pub async fn enrol_face(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        subject_id: SubjectId,
        image: Vec<u8>,
    ) -> Result<Uncommitted<FaceEnrolment>, VerifyError> {
        let tenant = &actor.tenant;
        let mut transaction = self.store.begin(tenant).await?;
        let known = transaction.find_subject(watchlist_id, subject_id).await?;
        drop(transaction);
        let known = known.ok_or(VerifyError::NotFound)?;
        self.require_consent(known.consent.as_ref())?;
        let images = pictures(vec![image]);
        persist(|| self.try_to_enrol_face(actor, watchlist_id, subject_id, &images)).await
    }

    async fn try_to_enrol_face(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        subject_id: SubjectId,
        images: &[Encoded],
    ) -> Result<Uncommitted<FaceEnrolment>, VerifyError> {
        let tenant = &actor.tenant;
        let (list, candidates) = self.candidates(tenant, watchlist_id, images).await?;
        let themselves = |found: &Duplicate| found.subject_id == subject_id;
        let (mut transaction, found) = self
            .begin_enrolment(tenant, &list, &candidates, themselves)
            .await?;
        if found.joined().is_some() {
            return Err(VerifyError::DuplicateSubject(found.others));
        }
        let faces: Vec<_> = of_subject(subject_id, &candidates).collect();
        let added = self.insert_faces(&mut transaction, &list, &faces).await?;
        let (Some(face), [Candidate { quality, .. }]) = (added.into_iter().next(), &candidates[..])
        else {
            return Err(VerifyError::NoFace { part: "image" });
        };
        let enrolled = FaceEnrolled(EnrolledFaces {
            watchlist_id,
            subject_id,
            face_ids: vec![face.id],
            embedder: Some(face.model_id.clone()),
            duplicate_of: EnrolledFaces::known(&found.others),
            import: None,
        });
        transaction.append_audit_event(actor, &enrolled.into())?;
        let outcome = FaceEnrolment {
            face,
            quality: *quality,
            duplicate_of: found.others,
        };
        Ok(Uncommitted {
            outcome,
            transaction,
        })
    }

    /// The list to search, and the faces of pictures of one person, every one of them good enough.
    async fn candidates(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
        images: &[Encoded],
    ) -> Result<(PlannedSearch, Vec<Candidate>), VerifyError> {
        let list = self.plan_enrolment(tenant, watchlist_id).await?;
        let faces = images.iter().map(|image| self.look_at(&list, image));
        let faces = try_join_all(faces).await?;
        Ok((list, admit(faces)?))
    }

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
        let spare = match &list.also {
            Some(also) => {
                let mut probe = Probe::new("image", image.clone());
                Some(self.template_by(&mut probe, also).await?)
            }
            None => None,
        };
        // Without a key for that, its memory is free earlier.
        let image = self.store.can_keep_images().then(|| image.clone());
        Ok(Seen { face, spare, image })
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
        if !list.goes_by_the_same(&self.plan_in(transaction, watchlist_id).await?) {
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

    /// Adds the faces to a person, and reads what has become of them.
    async fn add_faces(
        &self,
        transaction: &mut TenantTx,
        list: &PlannedSearch,
        subject_id: SubjectId,
        candidates: &[Candidate],
    ) -> Result<(Subject, HashMap<FaceId, FaceQuality>), VerifyError> {
        let faces: Vec<_> = of_subject(subject_id, candidates).collect();
        let added = self.insert_faces(transaction, list, &faces).await?;
        let qualities = candidates.iter().map(|candidate| candidate.quality);
        let qualities = added.iter().map(|face| face.id).zip(qualities).collect();
        let subject = transaction
            .find_subject(list.watchlist_id, subject_id)
            .await?;
        Ok((subject.ok_or(VerifyError::NotFound)?, qualities))
    }
}

fn pictures(images: Vec<Vec<u8>>) -> Vec<Encoded> {
    images.into_iter().map(Encoded::from).collect()
}

fn of_subject(
    subject_id: SubjectId,
    candidates: &[Candidate],
) -> impl Iterator<Item = (SubjectId, &Candidate)> {
    candidates
        .iter()
        .map(move |candidate| (subject_id, candidate))
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

/// What is put on record of a person's new faces.
fn new_faces(
    subject: &Subject,
    qualities: &HashMap<FaceId, FaceQuality>,
    duplicates: &[Duplicate],
) -> EnrolledFaces {
    let is_new = |face: &&EnrolledFace| qualities.contains_key(&face.id);
    let faces = || subject.faces.iter().filter(is_new);
    EnrolledFaces {
        watchlist_id: subject.watchlist_id,
        subject_id: subject.id,
        face_ids: faces().map(|face| face.id).collect(),
        embedder: faces().next().map(|face| face.model_id.clone()),
        duplicate_of: EnrolledFaces::known(duplicates),
        import: None,
    }
}
