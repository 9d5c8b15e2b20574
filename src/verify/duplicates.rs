//! Duplicates: whom new faces are found to be before they are enrolled.

use std::collections::HashMap;

use super::candidates::Candidate;
use super::plan::PlannedSearch;
use super::{Verifier, VerifyError};
use crate::domain::duplicate::{Duplicate, OnDuplicate};
use crate::domain::face::Template;
use crate::domain::ids::{SubjectId, TenantId};
use crate::domain::watchlist::Nearest;
use crate::store::TenantTx;

/// Most people that an answer names.
const MAX_DUPLICATES: u32 = 10;

/// What the search of new faces in their list came to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Everybody but the person whom the faces are for, best first.
    pub(super) others: Vec<Duplicate>,
    /// The faces belong to the first of the others, by the list's own rule.
    joins: bool,
}

impl Found {
    /// What the list's rule makes of whom it knows.
    pub(super) fn judge(
        rule: OnDuplicate,
        known: Vec<Duplicate>,
        themselves: impl Fn(&Duplicate) -> bool,
    ) -> Result<Self, VerifyError> {
        let joins = rule == OnDuplicate::AddToSubject && !known.first().is_some_and(&themselves);
        let mut others = known;
        others.retain(|found| !themselves(found));
        others.truncate(MAX_DUPLICATES as usize);
        if rule == OnDuplicate::Reject && !others.is_empty() {
            return Err(VerifyError::DuplicateSubject(others));
        }
        Ok(Self { others, joins })
    }

    /// The person whom the list's rule adds the faces to, where they are not the one whom they are for.
    pub(super) fn joined(&self) -> Option<&Duplicate> {
        self.others.first().filter(|_| self.joins)
    }
}

impl Verifier {
    /// Opens the transaction that enrols faces, having looked whose they are; `themselves` tells the person whom they
    /// are for, who is never a duplicate.
    ///
    /// Where that decides whether anything is enrolled, the search is made in the transaction and after the list is
    /// locked, so that of two requests with the same face the second finds the first.
    pub(super) async fn begin_enrolment(
        &self,
        tenant: &TenantId,
        list: &PlannedSearch,
        candidates: &[Candidate],
        themselves: impl Fn(&Duplicate) -> bool,
    ) -> Result<(TenantTx, Found), VerifyError> {
        let mut transaction = self.store.begin(tenant).await?;
        let policy = transaction.find_watchlist_policy(list.watchlist_id).await?;
        let rule = policy.ok_or(VerifyError::NotFound)?.on_duplicate;
        if candidates.is_empty() {
            return Ok((transaction, Found::default()));
        }
        let known = if rule == OnDuplicate::Report {
            let known = self.known(&mut transaction, list, candidates).await?;
            // Given back first: nobody who holds a connection waits for another.
            drop(transaction);
            transaction = self.store.begin(tenant).await?;
            known
        } else {
            transaction.lock_watchlist(list.watchlist_id).await?;
            self.known(&mut transaction, list, candidates).await?
        };
        Ok((transaction, Found::judge(rule, known, themselves)?))
    }

    /// Everybody on the list whom one of the faces reaches the threshold of a search with, best first.
    async fn known(
        &self,
        transaction: &mut TenantTx,
        list: &PlannedSearch,
        candidates: &[Candidate],
    ) -> Result<Vec<Duplicate>, VerifyError> {
        let faces: Vec<&Template> = candidates.iter().map(|face| &face.template).collect();
        let found = self.known_by_each(transaction, list, &faces).await?;
        let mut known = People::default();
        found
            .people
            .into_iter()
            .flatten()
            .for_each(|person| known.add(person));
        Ok(known.best_first())
    }

    /// The same for each face by itself, in one search.
    pub(super) async fn known_by_each(
        &self,
        transaction: &mut TenantTx,
        list: &PlannedSearch,
        faces: &[&Template],
    ) -> Result<KnownFaces, VerifyError> {
        let threshold = |size| list.thresholds(size).hit.similarity;
        // One more, who may be the person themselves.
        let limit = MAX_DUPLICATES + 1;
        let found = transaction.search_each(list.watchlist_id, faces, threshold, limit);
        let found = found.await?.ok_or(VerifyError::NotFound)?;
        if found.has_others {
            return Err(VerifyError::AnotherEmbedder(list.watchlist_id));
        }
        let person = |nearest: Nearest| Duplicate {
            subject_id: nearest.subject_id,
            external_id: nearest.external_id,
            similarity: nearest.similarity,
        };
        let people = found.nearest.into_iter();
        Ok(KnownFaces {
            size: found.size,
            people: people
                .map(|near| near.into_iter().map(person).collect())
                .collect(),
        })
    }
}

/// Whom a list knows by several faces.
pub(super) struct KnownFaces {
    /// Faces that the list had.
    pub(super) size: u64,
    /// For each of the faces, whom it reached the threshold with, best first.
    pub(super) people: Vec<Vec<Duplicate>>,
}

/// People, each with the best of their similarities.
#[derive(Default)]
pub(super) struct People(HashMap<SubjectId, Duplicate>);

impl People {
    pub(super) fn add(&mut self, person: Duplicate) {
        let similarity = person.similarity;
        let best = self.0.entry(person.subject_id).or_insert(person);
        best.similarity = best.similarity.max(similarity);
    }

    pub(super) fn best_first(self) -> Vec<Duplicate> {
        let mut people: Vec<Duplicate> = self.0.into_values().collect();
        people.sort_by(|a, b| {
            let by_id = a.subject_id.cmp(&b.subject_id);
            b.similarity.total_cmp(&a.similarity).then(by_id)
        });
        people
    }
}
