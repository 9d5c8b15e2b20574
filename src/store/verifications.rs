//! The identity checks that were made.

use sqlx::types::Json;

use super::error::StoreError;
use super::page::{Page, PageRequest};
use super::transaction::TenantTx;
use crate::domain::decision::Decision;
use crate::domain::ids::VerificationId;
use crate::domain::verification::Verification;

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
    pub async fn insert_verification(&mut self, new: &Verification) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into verifications (id, decision, external_id, record, created_at) values ($1, $2, $3, $4, $5)",
            new.id.as_uuid(),
            decision_name(new.assessment.decision),
            new.external_id,
            Json(new) as _,
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
    ) -> Result<Option<Verification>, StoreError> {
        let record = sqlx::query_scalar!(
            r#"select record as "record: Json<Verification>" from verifications where id = $1"#,
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(record.map(|record| record.0))
    }

    /// Reads a page of the tenant's verifications, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_verifications(
        &mut self,
        filter: &VerificationFilter,
        page: PageRequest,
    ) -> Result<Page<Verification>, StoreError> {
        self.plan_anew().await?;
        let records = sqlx::query_scalar!(
            r#"
            select record as "record: Json<Verification>"
            from verifications
            where id < $1
                and ($2::text is null or external_id = $2)
                and ($3::text is null or decision = $3)
            order by id desc
            limit $4
            "#,
            page.before(),
            filter.external_id.as_deref(),
            filter.decision.map(decision_name),
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        let verifications = records.into_iter().map(|record| record.0).collect();
        Ok(Page::cut(
            verifications,
            page,
            |verification: &Verification| verification.id.as_uuid(),
        ))
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

/// As the column and its check spell it.
fn decision_name(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved",
        Decision::Review => "review",
        Decision::Declined => "declined",
    }
}
