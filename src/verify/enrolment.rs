//! Enrolment: people and their faces are put on a watchlist.

use std::collections::HashMap;

use futures_util::future::try_join_all;

use super::candidates::{Candidate, admit};
use super::plan::{PlannedSearch, persist};
use super::{Verifier, VerifyError};
use crate::domain::audit::{
    Actor, AuditEvent, EnrolledFaces, FaceEnrolled, SubjectEnrolled, SubjectReplaced,
};
use crate::domain::decision::FaceQuality;
use crate::domain::duplicate::Duplicate;
use crate::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
use crate::domain::watchlist::{EnrolledFace, Subject};
use crate::store::{NewSubject, TenantTx, Uncommitted};
use crate::vision::Encoded;

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
