//! Enrolment of many: the faces of rows, several in one transaction, by the same rules as single ones.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::candidates::{Candidate, admit};
use super::duplicates::{Found, People};
use super::plan::PlannedSearch;
use super::{Verifier, VerifyError};
use crate::domain::audit::{
    Actor, AuditEvent, EnrolledFaces, FaceEnrolled, ImportedRow, SubjectEnrolled,
};
use crate::domain::consent::Consent;
use crate::domain::duplicate::{Duplicate, OnDuplicate};
use crate::domain::face::Template;
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::domain::watchlist::EnrolledFace;
use crate::store::{KnownSubject, NewSubject, TenantTx};
use crate::vision::Encoded;

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

/// A row's face as it was enrolled.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrolledRow {
    /// Who has it.
    pub subject_id: SubjectId,
    /// The face.
    pub face_id: FaceId,
    /// Whom the face was found to be, best first.
    pub duplicate_of: Vec<Duplicate>,
}

/// Why a row is not enrolled.
#[derive(Debug, Clone, PartialEq)]
pub enum RowRefusal {
    /// The face belongs to these, and the list refuses that.
    DuplicateSubject(Vec<Duplicate>),
    /// Nobody says that the person agreed, and the service requires it.
    ConsentRequired,
}

impl Verifier {
    /// The one face of a picture, where it is good enough.
    ///
    /// # Errors
    /// [`VerifyError`] where the picture cannot be enrolled.
    pub(crate) async fn candidate(
        &self,
        list: &PlannedSearch,
        image: &Encoded,
    ) -> Result<Candidate, VerifyError> {
        let seen = self.look_at(list, image).await?;
        let candidate = admit(vec![seen])?.pop();
        candidate.ok_or(VerifyError::NoFace { part: "image" })
    }

    /// Begins to enrol faces on a list. The list is locked first, as by everybody who changes it or takes it away: so
    /// nobody waits for each other, and of two with the same face the second finds the first.
    ///
    /// # Errors
    /// [`VerifyError::NotFound`] where the list is gone.
    pub(crate) async fn begin_bulk(
        &self,
        actor: &Actor,
        list: &PlannedSearch,
    ) -> Result<BulkEnrolment, VerifyError> {
        let watchlist_id = list.watchlist_id;
        let mut transaction = self.store.begin(&actor.tenant).await?;
        transaction.lock_watchlist(watchlist_id).await?;
        let policy = transaction.find_watchlist_policy(watchlist_id).await?;
        let policy = policy.ok_or(VerifyError::NotFound)?;
        Ok(BulkEnrolment {
            transaction,
            actor: actor.clone(),
            list: list.clone(),
            rule: policy.on_duplicate,
        })
    }

    /// Adds the face of each row to the person with that `external_id`, who is put on the list if they are not on it, and
    /// puts it on record as the doing of whoever made the import. Of several rows of one person the first describes them.
    /// A row that is refused leaves the others alone. Faces that the list knows, by those of the rows before too, are
    /// dealt with as a single enrolment deals with them.
    ///
    /// # Errors
    /// [`VerifyError`], which ends the transaction.
    pub async fn enrol_in_bulk(
        &self,
        bulk: &mut BulkEnrolment,
        rows: Vec<BulkRow<'_>>,
    ) -> Result<Vec<Result<EnrolledRow, RowRefusal>>, VerifyError> {
        let watchlist_id = bulk.list.watchlist_id;
        let faces: Vec<&Template> = rows.iter().map(|row| &row.candidate.template).collect();
        let known = self.known_by_each(&mut bulk.transaction, &bulk.list, &faces);
        let known = known.await?;
        let keys = rows
            .iter()
            .filter_map(|row| row.subject.external_id.clone());
        let keys: Vec<_> = keys.collect();
        let subjects = bulk.transaction.find_subject_ids(watchlist_id, &keys);
        let mut plan = Plan::new(subjects.await?);
        for (row, found) in rows.into_iter().zip(known.people) {
            let size = known.size + plan.count();
            let threshold = bulk.list.thresholds(size).hit.similarity;
            let admission = self.admit_row(bulk.rule, &row, plan.known(&row, found, threshold));
            plan.add(row, admission?);
        }
        let transaction = &mut bulk.transaction;
        let newcomers = std::mem::take(&mut plan.newcomers);
        transaction.insert_subjects(watchlist_id, newcomers).await?;
        for (subject_id, consent) in &plan.consents {
            let added = transaction.add_consent(watchlist_id, *subject_id, consent);
            added.await?;
        }
        let faces = plan.faces();
        let faces = self.insert_faces(transaction, &bulk.list, &faces).await?;
        for (row, face) in plan.enrolled().zip(&faces) {
            let event = row.event(watchlist_id, face);
            transaction.append_audit_event(&bulk.actor, &event)?;
        }
        Ok(plan.outcomes(&faces))
    }

    /// What is to become of a row whose face belongs to the `known`, or why nothing is.
    fn admit_row(
        &self,
        rule: OnDuplicate,
        row: &BulkRow<'_>,
        known: Vec<Duplicate>,
    ) -> Result<Result<Found, RowRefusal>, VerifyError> {
        // Rows may have been stored before the service required it.
        if self.require_consent(row.subject.consent.as_ref()).is_err() {
            return Ok(Err(RowRefusal::ConsentRequired));
        }
        let key = row.subject.external_id.as_ref();
        let themselves = |found: &Duplicate| key.is_some() && found.external_id.as_ref() == key;
        match Found::judge(rule, known, themselves) {
            Ok(found) if key.is_some() && found.joined().is_some() => {
                Ok(Err(RowRefusal::DuplicateSubject(found.others)))
            }
            Ok(found) => Ok(Ok(found)),
            Err(VerifyError::DuplicateSubject(others)) => {
                Ok(Err(RowRefusal::DuplicateSubject(others)))
            }
            Err(error) => Err(error),
        }
    }
}

/// What is to be done about rows that are enrolled together.
struct Plan<'a> {
    /// Who has which `external_id`, or will.
    subjects: HashMap<String, KnownSubject>,
    newcomers: Vec<(SubjectId, NewSubject)>,
    /// Of people who are on the list, or described by a row before.
    consents: Vec<(SubjectId, Consent)>,
    rows: Vec<Result<Admitted<'a>, RowRefusal>>,
}

/// A row whose face is to be enrolled.
struct Admitted<'a> {
    subject: KnownSubject,
    external_id: Option<String>,
    is_new: bool,
    candidate: &'a Candidate,
    source: ImportedRow,
    duplicates: Vec<Duplicate>,
}

impl<'a> Plan<'a> {
    fn new(subjects: HashMap<String, KnownSubject>) -> Self {
        Self {
            subjects,
            newcomers: Vec::new(),
            consents: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Whom a row's face is found to be: on the list, as it was before all rows, and in the rows before.
    fn known(&self, row: &BulkRow<'_>, on_list: Vec<Duplicate>, threshold: f64) -> Vec<Duplicate> {
        let mut people = People::default();
        let is_alike = |similarity: f32| f64::from(similarity) >= threshold;
        on_list
            .into_iter()
            .filter(|found| is_alike(found.similarity))
            .for_each(|found| people.add(found));
        for before in self.enrolled().filter(|before| before.subject.is_valid) {
            let face = &before.candidate.template;
            let similarity = face.similarity(&row.candidate.template).unwrap_or(-1.0);
            if is_alike(similarity) {
                people.add(Duplicate {
                    subject_id: before.subject.id,
                    external_id: before.external_id.clone(),
                    similarity,
                });
            }
        }
        people.best_first()
    }

    fn add(&mut self, row: BulkRow<'a>, admission: Result<Found, RowRefusal>) {
        let found = match admission {
            Ok(found) => found,
            Err(refusal) => return self.rows.push(Err(refusal)),
        };
        let (person, external_id) = match found.joined() {
            Some(known) => (
                Some(KnownSubject {
                    id: known.subject_id,
                    is_valid: true,
                }),
                known.external_id.clone(),
            ),
            None => {
                let key = row.subject.external_id.clone();
                let person = key.as_ref().and_then(|key| self.subjects.get(key).copied());
                (person, key)
            }
        };
        let subject = if let Some(person) = person {
            let consent = row.subject.consent;
            self.consents
                .extend(consent.map(|consent| (person.id, consent)));
            person
        } else {
            let subject = KnownSubject {
                id: SubjectId::new(),
                is_valid: row.subject.is_valid_at(OffsetDateTime::now_utc()),
            };
            self.subjects
                .extend(external_id.clone().map(|key| (key, subject)));
            self.newcomers.push((subject.id, row.subject));
            subject
        };
        self.rows.push(Ok(Admitted {
            subject,
            external_id,
            is_new: person.is_none(),
            candidate: row.candidate,
            source: row.source,
            duplicates: found.others,
        }));
    }

    fn enrolled(&self) -> impl Iterator<Item = &Admitted<'a>> {
        self.rows.iter().filter_map(|row| row.as_ref().ok())
    }

    /// How many faces the list gets that a search finds.
    fn count(&self) -> u64 {
        let valid = self.enrolled().filter(|row| row.subject.is_valid);
        valid.count() as u64
    }

    fn faces(&self) -> Vec<(SubjectId, &'a Candidate)> {
        let faces = self.enrolled().map(|row| (row.subject.id, row.candidate));
        faces.collect()
    }

    /// With the faces that [`Plan::faces`] became, in their order.
    fn outcomes(self, faces: &[EnrolledFace]) -> Vec<Result<EnrolledRow, RowRefusal>> {
        let mut faces = faces.iter().map(|face| face.id);
        let outcome = |row: Result<Admitted<'_>, RowRefusal>| {
            row.map(|row| EnrolledRow {
                subject_id: row.subject.id,
                face_id: faces.next().expect("each row that is admitted has a face"),
                duplicate_of: row.duplicates,
            })
        };
        self.rows.into_iter().map(outcome).collect()
    }
}

impl Admitted<'_> {
    fn event(&self, watchlist_id: WatchlistId, face: &EnrolledFace) -> AuditEvent {
        let faces = EnrolledFaces {
            watchlist_id,
            subject_id: self.subject.id,
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
