//! The identity checks that were made.

use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::page::{Page, PageRequest};
use super::transaction::TenantTx;
use crate::domain::decision::Decision;
use crate::domain::ids::VerificationId;
use crate::domain::verification::{KeptVerification, Verification};

/// Which verifications a list shows; everything that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerificationFilter {
    /// Only those of this key.
    pub external_id: Option<String>,
    /// Only those with this verdict.
    pub decision: Option<Decision>,
    /// Only those that a human has decided about, or only those that none has.
    pub reviewed: Option<bool>,
}

impl TenantTx {
    /// Keeps a verification, as long as the tenant's retention says, or fewer days where they are given. Tells until
    /// when.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id is taken.
    pub async fn insert_verification(
        &mut self,
        new: &Verification,
        days: Option<u16>,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let default = self.default_days();
        let delete_after = sqlx::query_scalar!(
            "insert into verifications (id, decision, external_id, record, created_at, delete_after) \
             values ($1, $2, $3, $4, $5, $5::timestamptz + interval '24 hours' \
             * least($6::int, coalesce((select verification_days from retention), $7::int))) returning delete_after",
            new.id.as_uuid(),
            new.assessment.decision.name(),
            new.external_id,
            Json(new) as _,
            new.created_at,
            days.map(i32::from),
            default
        )
        .fetch_one(self.connection())
        .await?;
        self.insert_hits(new).await?;
        Ok(delete_after)
    }

    /// Notes whom a verification names, so that it can be found when they are erased.
    async fn insert_hits(&mut self, verification: &Verification) -> Result<(), StoreError> {
        let searched = verification.assessment.watchlist.searched.iter();
        let hits = searched.flat_map(|list| &list.hits);
        let (subjects, keys): (Vec<Uuid>, Vec<Option<String>>) = hits
            .map(|hit| (hit.subject_id.as_uuid(), hit.external_id.clone()))
            .unzip();
        if subjects.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into verification_hits (verification_id, subject_id, external_id) \
             select $1, hit.* from unnest($2::uuid[], $3::text[]) as hit (subject_id, external_id) \
             on conflict do nothing",
            verification.id.as_uuid(),
            &subjects,
            &keys as &[Option<String>]
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
    ) -> Result<Option<KeptVerification>, StoreError> {
        let default = self.default_days();
        let row = sqlx::query_as!(
            VerificationRow,
            r#"
            select record as "record: Json<Verification>",
                least(delete_after, created_at + interval '24 hours'
                    * coalesce((select verification_days from retention), $2::int)) as delete_after
            from verifications
            where id = $1
            "#,
            id.as_uuid(),
            default
        )
        .fetch_optional(self.connection())
        .await?;
        let kept = self.with_reviews(row.into_iter().collect()).await?;
        Ok(kept.into_iter().next())
    }

    /// Reads a page of the tenant's verifications, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_verifications(
        &mut self,
        filter: &VerificationFilter,
        page: PageRequest,
    ) -> Result<Page<KeptVerification>, StoreError> {
        self.plan_anew().await?;
        let default = self.default_days();
        let rows = sqlx::query_as!(
            VerificationRow,
            r#"
            select record as "record: Json<Verification>",
                least(delete_after, created_at + interval '24 hours'
                    * coalesce((select verification_days from retention), $6::int)) as delete_after
            from verifications
            where id < $1
                and ($2::text is null or external_id = $2)
                and ($3::text is null or decision = $3)
                and ($4::boolean is null
                    or $4 = exists (select from verification_reviews where verification_id = verifications.id))
            order by id desc
            limit $5
            "#,
            page.before(),
            filter.external_id.as_deref(),
            filter.decision.map(Decision::name),
            filter.reviewed,
            page.rows_to_fetch(),
            default
        )
        .fetch_all(self.connection())
        .await?;
        let rows = Page::cut(rows, page, VerificationRow::id);
        Ok(Page {
            items: self.with_reviews(rows.items).await?,
            next: rows.next,
        })
    }

    async fn with_reviews(
        &mut self,
        rows: Vec<VerificationRow>,
    ) -> Result<Vec<KeptVerification>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = rows.iter().map(VerificationRow::id).collect();
        let mut reviews = self.reviews_of(&ids).await?;
        let kept = rows.into_iter().map(|row| KeptVerification {
            reviews: reviews.remove(&row.id()).unwrap_or_default(),
            verification: row.record.0,
            delete_after: row.delete_after,
        });
        Ok(kept.collect())
    }

    /// Erases a verification. False when there was none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_verification(&mut self, id: VerificationId) -> Result<bool, StoreError> {
        let done = sqlx::query!("delete from verifications where id = $1", id.as_uuid())
            .execute(self.connection())
            .await?;
        self.forget_idempotent_answers(&[id.as_uuid()]).await?;
        Ok(done.rows_affected() == 1)
    }
}

struct VerificationRow {
    record: Json<Verification>,
    delete_after: Option<OffsetDateTime>,
}

impl VerificationRow {
    fn id(&self) -> Uuid {
        self.record.id.as_uuid()
    }
}
