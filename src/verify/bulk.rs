//! Enrolment of many: the faces of rows, several in one transaction, by the same rules as single ones.

use super::duplicates::Found;
use super::enrolment::{Candidate, ENROLMENT, admit};
use super::search::{PlannedSearch, of_path};
use super::{Verifier, VerifyError, only_face};
use crate::domain::audit::{
    Actor, AuditEvent, EnrolledFaces, FaceEnrolled, ImportedRow, SubjectEnrolled,
};
use crate::domain::duplicate::{Duplicate, OnDuplicate};
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::store::{NewSubject, TenantTx};

/// A transaction that enrols faces on one list, which is locked.
pub struct BulkEnrolment {
    /// Where the rows of the faces are finished, too.
    pub transaction: TenantTx,
    actor: Actor,
    list: PlannedSearch,
    rule: OnDuplicate,
}

impl Verifier {
    /// The one face of a picture, where it is good enough.
    ///
    /// # Errors
    /// [`VerifyError`] where the picture cannot be enrolled.
    pub async fn candidate(&self, image: Vec<u8>) -> Result<Candidate, VerifyError> {
        let analysis = self.analyse("image", image, ENROLMENT).await?;
        let face = only_face("image", analysis.faces)?;
        let candidate = admit(vec![face])?.pop();
        candidate.ok_or(VerifyError::NoFace { part: "image" })
    }

    /// Begins to enrol faces on a list. The list is locked first, as by everybody who changes it or takes it away: so
    /// nobody waits for each other, and of two with the same face the second finds the first.
    ///
    /// # Errors
    /// [`VerifyError::NotFound`] where the list is gone.
    pub async fn begin_bulk(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
    ) -> Result<BulkEnrolment, VerifyError> {
        let mut transaction = self.store.begin(&actor.tenant).await?;
        transaction.lock_watchlist(watchlist_id).await?;
        let planned = Self::plan_within(&mut transaction, watchlist_id).await;
        let (list, rule) = planned.map_err(of_path)?;
        Ok(BulkEnrolment {
            transaction,
            actor: actor.clone(),
            list,
            rule,
        })
    }

    /// Adds the face of a row to the person with that `external_id`, who is put on the list if they are not on it, and
    /// puts it on record as the doing of whoever made the import.
    ///
    /// # Errors
    /// [`VerifyError::DuplicateSubject`] where the list refuses a face that is somebody else's, and
    /// [`VerifyError::ConsentRequired`]; with these it can go on with others. Anything else ends the transaction.
    pub async fn enrol_in_bulk(
        &self,
        bulk: &mut BulkEnrolment,
        subject: NewSubject,
        candidate: &Candidate,
        row: ImportedRow,
    ) -> Result<(SubjectId, FaceId), VerifyError> {
        // Rows may have been stored before the service required it.
        self.require_consent(subject.consent.as_ref())?;
        let (list, watchlist_id) = (bulk.list, bulk.list.watchlist_id);
        let transaction = &mut bulk.transaction;
        let mut duplicates = Vec::new();
        if bulk.rule != OnDuplicate::Report {
            let one = std::slice::from_ref(candidate);
            let known = self.known(transaction, list, one).await?;
            let themselves = |found: &Duplicate| {
                found.external_id.is_some() && found.external_id == subject.external_id
            };
            let found = Found::judge(bulk.rule, known, themselves)?;
            if found.joined().is_some() {
                return Err(VerifyError::DuplicateSubject(found.others));
            }
            duplicates = found.others;
        }
        let known = match subject.external_id.as_deref() {
            Some(key) => transaction.find_subject_id(watchlist_id, key).await?,
            None => None,
        };
        let subject_id = match known {
            Some(id) => {
                if let Some(consent) = &subject.consent {
                    transaction.add_consent(watchlist_id, id, consent).await?;
                }
                id
            }
            None => {
                let made = transaction.insert_subject(watchlist_id, subject, &[]);
                made.await?.id
            }
        };
        let face = transaction.insert_face(watchlist_id, subject_id, &candidate.template);
        let face = face.await?;
        let faces = EnrolledFaces {
            watchlist_id,
            subject_id,
            face_ids: vec![face.id],
            embedder: Some(face.model_id),
            duplicate_of: EnrolledFaces::known(&duplicates),
            import: Some(row),
        };
        let event: AuditEvent = match known {
            Some(_) => FaceEnrolled(faces).into(),
            None => SubjectEnrolled(faces).into(),
        };
        transaction.append_audit_event(&bulk.actor, &event)?;
        Ok((subject_id, face.id))
    }
}
