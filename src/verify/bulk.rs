//! Enrolment of many: the faces of rows, several in one transaction, by the same rules as single ones.

use std::collections::HashMap;

use super::duplicates::Found;
use super::enrolment::{Candidate, ENROLMENT, admit};
use super::search::{PlannedSearch, of_path};
use super::{Verifier, VerifyError, only_face};
use crate::domain::audit::{
    Actor, AuditEvent, EnrolledFaces, FaceEnrolled, ImportedRow, SubjectEnrolled,
};
use crate::domain::consent::Consent;
use crate::domain::duplicate::{Duplicate, OnDuplicate};
use crate::domain::face::Template;
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::domain::watchlist::EnrolledFace;
use crate::store::{NewSubject, TenantTx};

/// A transaction that enrols faces on one list, which is locked.
pub struct BulkEnrolment {
    /// Where the rows of the faces are finished, too.
    pub transaction: TenantTx,
    actor: Actor,
    list: PlannedSearch,
    rule: OnDuplicate,
}

/// A row whose picture was looked at.
pub struct BulkRow<'a> {
    /// Whose face it is; without an `external_id`, somebody new.
    pub subject: NewSubject,
    /// The face.
    pub candidate: &'a Candidate,
    /// Where it comes from.
    pub source: ImportedRow,
}

/// Why a row is not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowRefusal {
    /// The face belongs to somebody else, and the list refuses that.
    DuplicateSubject,
    /// Nobody says that the person agreed, and the service requires it.
    ConsentRequired,
}

/// Who has which new face, or why nobody has.
pub type Enrolled = Result<(SubjectId, FaceId), RowRefusal>;

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

    /// Adds the face of each row to the person with that `external_id`, who is put on the list if they are not on it, and
    /// puts it on record as the doing of whoever made the import. Of several rows of one person the first describes them.
    /// A row that is refused leaves the others alone.
    ///
    /// # Errors
    /// [`VerifyError`], which ends the transaction.
    pub async fn enrol_in_bulk(
        &self,
        bulk: &mut BulkEnrolment,
        rows: Vec<BulkRow<'_>>,
    ) -> Result<Vec<Enrolled>, VerifyError> {
        // Where the faces of others decide, the row before has to be on the list.
        let together = match bulk.rule {
            OnDuplicate::Report => rows.len().max(1),
            OnDuplicate::Reject | OnDuplicate::AddToSubject => 1,
        };
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let rows = rows.by_ref().take(together).collect();
            outcomes.extend(self.enrol_together(bulk, rows).await?);
        }
        Ok(outcomes)
    }

    async fn enrol_together(
        &self,
        bulk: &mut BulkEnrolment,
        rows: Vec<BulkRow<'_>>,
    ) -> Result<Vec<Enrolled>, VerifyError> {
        let watchlist_id = bulk.list.watchlist_id;
        let keys = rows
            .iter()
            .filter_map(|row| row.subject.external_id.clone());
        let keys: Vec<_> = keys.collect();
        let known = bulk.transaction.find_subject_ids(watchlist_id, &keys);
        let mut known = known.await?;
        let mut plan = Plan::default();
        for row in rows {
            let admitted = self.admit_row(bulk, &row).await?;
            plan.add(row, admitted, &mut known);
        }
        let transaction = &mut bulk.transaction;
        let newcomers = std::mem::take(&mut plan.newcomers);
        transaction.insert_subjects(watchlist_id, newcomers).await?;
        for (subject_id, consent) in &plan.consents {
            let added = transaction.add_consent(watchlist_id, *subject_id, consent);
            added.await?;
        }
        let faces = transaction
            .insert_faces(watchlist_id, &plan.faces())
            .await?;
        for (row, face) in plan.enrolled().zip(&faces) {
            let event = row.event(watchlist_id, face);
            transaction.append_audit_event(&bulk.actor, &event)?;
        }
        Ok(plan.outcomes(&faces))
    }

    /// Whom the list knows by a row's face, or why the row is refused.
    async fn admit_row(
        &self,
        bulk: &mut BulkEnrolment,
        row: &BulkRow<'_>,
    ) -> Result<Result<Vec<Duplicate>, RowRefusal>, VerifyError> {
        // Rows may have been stored before the service required it.
        if self.require_consent(row.subject.consent.as_ref()).is_err() {
            return Ok(Err(RowRefusal::ConsentRequired));
        }
        if bulk.rule == OnDuplicate::Report {
            return Ok(Ok(Vec::new()));
        }
        let one = std::slice::from_ref(row.candidate);
        let known = self.known(&mut bulk.transaction, bulk.list, one).await?;
        let key = row.subject.external_id.as_ref();
        let themselves = |found: &Duplicate| key.is_some() && found.external_id.as_ref() == key;
        match Found::judge(bulk.rule, known, themselves) {
            Ok(found) if found.joined().is_none() => Ok(Ok(found.others)),
            Ok(_) | Err(VerifyError::DuplicateSubject(_)) => Ok(Err(RowRefusal::DuplicateSubject)),
            Err(error) => Err(error),
        }
    }
}

/// What is to be done about rows that are enrolled together.
#[derive(Default)]
struct Plan<'a> {
    newcomers: Vec<(SubjectId, NewSubject)>,
    /// Of people who are on the list, or described by a row before.
    consents: Vec<(SubjectId, Consent)>,
    rows: Vec<Result<Admitted<'a>, RowRefusal>>,
}

/// A row whose face is to be enrolled.
struct Admitted<'a> {
    subject_id: SubjectId,
    is_new: bool,
    candidate: &'a Candidate,
    source: ImportedRow,
    duplicates: Vec<Duplicate>,
}

impl<'a> Plan<'a> {
    /// `known` tells who has which `external_id`, and learns who will.
    fn add(
        &mut self,
        row: BulkRow<'a>,
        admitted: Result<Vec<Duplicate>, RowRefusal>,
        known: &mut HashMap<String, SubjectId>,
    ) {
        let duplicates = match admitted {
            Ok(duplicates) => duplicates,
            Err(refusal) => return self.rows.push(Err(refusal)),
        };
        let key = row.subject.external_id.clone();
        let person = key.as_ref().and_then(|key| known.get(key).copied());
        let subject_id = person.unwrap_or_else(SubjectId::new);
        if person.is_none() {
            known.extend(key.map(|key| (key, subject_id)));
            self.newcomers.push((subject_id, row.subject));
        } else {
            let consent = row.subject.consent;
            self.consents
                .extend(consent.map(|consent| (subject_id, consent)));
        }
        self.rows.push(Ok(Admitted {
            subject_id,
            is_new: person.is_none(),
            candidate: row.candidate,
            source: row.source,
            duplicates,
        }));
    }

    fn enrolled(&self) -> impl Iterator<Item = &Admitted<'a>> {
        self.rows.iter().filter_map(|row| row.as_ref().ok())
    }

    fn faces(&self) -> Vec<(SubjectId, &'a Template)> {
        let faces = self
            .enrolled()
            .map(|row| (row.subject_id, &row.candidate.template));
        faces.collect()
    }

    /// With the faces that [`Plan::faces`] became, in their order.
    fn outcomes(self, faces: &[EnrolledFace]) -> Vec<Enrolled> {
        let mut faces = faces.iter().map(|face| face.id);
        let outcome = |row: Result<Admitted<'_>, RowRefusal>| {
            let ids = row.map(|row| (row.subject_id, faces.next()));
            ids.map(|(subject, face)| {
                (subject, face.expect("each row that is admitted has a face"))
            })
        };
        self.rows.into_iter().map(outcome).collect()
    }
}

impl Admitted<'_> {
    fn event(&self, watchlist_id: WatchlistId, face: &EnrolledFace) -> AuditEvent {
        let faces = EnrolledFaces {
            watchlist_id,
            subject_id: self.subject_id,
            face_ids: vec![face.id],
            embedder: Some(face.model_id.clone()),
            duplicate_of: EnrolledFaces::known(&self.duplicates),
            import: Some(self.source),
        };
        if self.is_new {
            SubjectEnrolled(faces).into()
        } else {
            FaceEnrolled(faces).into()
        }
    }
}
