//! How a list gets into another form: that of new lists, after a key was configured or changed.
//!
//! A list is rewritten in one transaction, so whoever searches it finds all of it, in the old form or in the new one.
//! Enrolments on it wait.

use pgvector::HalfVector;

use super::error::StoreError;
use super::faces::{full_precision, half_precision};
use super::galleries::CHANGES_KEPT;
use super::transaction::TenantTx;
use crate::domain::ids::WatchlistId;

/// Faces that are rewritten by one statement.
const PAGE: i64 = 2_000;

impl TenantTx {
    /// A list that is in another form than new ones; of those whose key is not known, none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_list_to_rekey(&mut self) -> Result<Option<WatchlistId>, StoreError> {
        if !self.store().forms().are_several() {
            return Ok(None);
        }
        let galleries = sqlx::query!(
            "select watchlist_id, model_id from galleries where faces > 0 order by watchlist_id"
        )
        .fetch_all(self.connection())
        .await?;
        let forms = self.store().forms();
        let is_other = |kept: &str| forms.renewed_id(kept).is_some();
        let other = galleries.into_iter().find(|row| is_other(&row.model_id));
        Ok(other.map(|row| row.watchlist_id.into()))
    }

    /// Rewrites a list in the form of new ones, and tells how many faces that were; 0 where somebody else has done it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn rekey_list(&mut self, watchlist: WatchlistId) -> Result<u64, StoreError> {
        self.lock_watchlist(watchlist).await?;
        self.take_time().await?;
        let galleries = sqlx::query_scalar!(
            "select model_id from galleries where watchlist_id = $1 and faces > 0",
            watchlist.as_uuid()
        )
        .fetch_all(self.connection())
        .await?;
        let mut rekeyed = 0;
        for from in galleries {
            if let Some(to) = self.store().forms().renewed_id(&from) {
                rekeyed += self.rekey_gallery(watchlist, &from, &to).await?;
            }
        }
        // What is in memory of the old form is of no more use.
        self.gone().lists.push(watchlist);
        Ok(rekeyed)
    }

    /// Faces get new numbers, so far from those that a gallery of that form had before that codes of then, in whatever
    /// process, are too old to be caught up.
    async fn rekey_gallery(
        &mut self,
        watchlist: WatchlistId,
        from: &str,
        to: &str,
    ) -> Result<u64, StoreError> {
        let base = sqlx::query_scalar!(
            r#"
            insert into galleries (watchlist_id, model_id, revision, faces) values ($1, $2, 0, 0)
            on conflict on constraint galleries_pkey do update set revision = galleries.revision + $3::bigint + 1
            returning revision
            "#,
            watchlist.as_uuid(),
            to,
            CHANGES_KEPT
        )
        .fetch_one(self.connection())
        .await?;
        let (mut after, mut last) = (0, base);
        loop {
            let rows = sqlx::query!(
                r#"
                select revision, template as "template: HalfVector" from faces
                where watchlist_id = $1 and model_id = $2 and revision > $3 order by revision limit $4
                "#,
                watchlist.as_uuid(),
                from,
                after,
                PAGE
            )
            .fetch_all(self.connection())
            .await?;
            let Some(row) = rows.last() else { break };
            after = row.revision;
            let kept = rows.iter().map(|row| full_precision(&row.template));
            let templates = self.show(from, kept.collect()).await?;
            let templates = self.in_first_form(templates).await?;
            let templates: Vec<HalfVector> = templates.iter().map(half_precision).collect();
            let revisions: Vec<i64> = rows.iter().map(|row| row.revision).collect();
            let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            let numbers: Vec<i64> = (last + 1..=last + count).collect();
            last += count;
            sqlx::query!(
                "with gone as ( \
                     delete from faces where watchlist_id = $1 and model_id = $2 and revision = any($4) \
                     returning created_at, revision, subject_id, id \
                 ) \
                 insert into faces (created_at, revision, watchlist_id, subject_id, id, template, model_id) \
                 select created_at, kept.number, $1, subject_id, id, kept.template, $3 \
                 from unnest($4::bigint[], $5::bigint[], $6::halfvec[]) as kept (revision, number, template) \
                 join gone using (revision)",
                watchlist.as_uuid(),
                from,
                to,
                &revisions,
                &numbers,
                &templates as _
            )
            .execute(self.connection())
            .await?;
        }
        sqlx::query!(
            "update galleries set revision = case when model_id = $3 then $4 else revision + 1 end, \
             faces = case when model_id = $3 then $4 - $5::bigint else 0 end \
             where watchlist_id = $1 and model_id in ($2, $3)",
            watchlist.as_uuid(),
            from,
            to,
            last,
            base
        )
        .execute(self.connection())
        .await?;
        Ok((last - base).unsigned_abs())
    }
}
