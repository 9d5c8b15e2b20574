//! The answers that were given.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::page::{Page, PageRequest};
use super::subjects::object;
use super::transaction::TenantTx;
use crate::domain::decision::Decision;
use crate::domain::ids::VerificationId;
use crate::domain::verification::Metadata;

/// A finished verification to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVerification {
    /// Its id.
    pub id: VerificationId,
    /// Its verdict, which lists are filtered by.
    pub decision: Decision,
    /// The caller's own key, which lists are filtered by, 1 to 200 characters.
    pub external_id: Option<String>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// The whole answer, a JSON object.
    pub answer: Value,
    /// When it was decided.
    pub created_at: OffsetDateTime,
}

/// A verification as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVerification {
    /// Its id.
    pub id: VerificationId,
    /// Its verdict.
    pub decision: Decision,
    /// The caller's own key.
    pub external_id: Option<String>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// The whole answer.
    pub answer: Value,
    /// When it was decided, to the microsecond.
    pub created_at: OffsetDateTime,
}

/// Which verifications a list shows; everything that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerificationFilter {
    /// Only those of this key.
    pub external_id: Option<String>,
    /// Only those with this verdict.
    pub decision: Option<Decision>,
}

impl TenantTx {
    /// Keeps a verification.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id is taken.
    pub async fn insert_verification(&mut self, new: NewVerification) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into verifications (id, decision, external_id, metadata, answer, created_at) \
             values ($1, $2, $3, $4, $5, $6)",
            new.id.as_uuid(),
            decision_name(new.decision),
            new.external_id,
            Value::Object(new.metadata),
            new.answer,
            new.created_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Reads one verification.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_verification(
        &mut self,
        id: VerificationId,
    ) -> Result<Option<StoredVerification>, StoreError> {
        sqlx::query_as!(
            VerificationRow,
            "select id, decision, external_id, metadata, answer, created_at from verifications where id = $1",
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?
        .map(StoredVerification::try_from)
        .transpose()
    }

    /// Reads a page of the tenant's verifications, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_verifications(
        &mut self,
        filter: &VerificationFilter,
        page: PageRequest,
    ) -> Result<Page<StoredVerification>, StoreError> {
        let rows = sqlx::query_as!(
            VerificationRow,
            "select id, decision, external_id, metadata, answer, created_at from verifications \
             where id < $1 and ($2::text is null or external_id = $2) and ($3::text is null or decision = $3) \
             order by id desc limit $4",
            page.after.unwrap_or(Uuid::max()),
            filter.external_id,
            filter.decision.map(decision_name),
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        Page::cut(rows, page, |row| row.id).try_map(StoredVerification::try_from)
    }

    /// Erases a verification. False when there was none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_verification(&mut self, id: VerificationId) -> Result<bool, StoreError> {
        let done = sqlx::query!("delete from verifications where id = $1", id.as_uuid())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

struct VerificationRow {
    id: Uuid,
    decision: String,
    external_id: Option<String>,
    metadata: Value,
    answer: Value,
    created_at: OffsetDateTime,
}

impl TryFrom<VerificationRow> for StoredVerification {
    type Error = StoreError;

    fn try_from(row: VerificationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            decision: parse_decision(&row.decision)?,
            external_id: row.external_id,
            metadata: object(row.metadata)?,
            answer: row.answer,
            created_at: row.created_at,
        })
    }
}

fn decision_name(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved",
        Decision::Review => "review",
        Decision::Declined => "declined",
    }
}

fn parse_decision(name: &str) -> Result<Decision, StoreError> {
    match name {
        "approved" => Ok(Decision::Approved),
        "review" => Ok(Decision::Review),
        "declined" => Ok(Decision::Declined),
        _ => Err(StoreError::Corrupt(
            "a verification with an unknown decision",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_comes_back_as_it_went_in() {
        for decision in [Decision::Approved, Decision::Review, Decision::Declined] {
            assert_eq!(parse_decision(decision_name(decision)).unwrap(), decision);
        }
    }

    #[test]
    fn an_unknown_decision_is_corrupt_and_not_guessed() {
        assert!(matches!(
            parse_decision("pending"),
            Err(StoreError::Corrupt(_))
        ));
    }
}
