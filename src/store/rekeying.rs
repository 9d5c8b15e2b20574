//! How a list gets into another form: that of new lists, after a key was configured or changed.
//!
//! A list is rewritten in one transaction, so whoever searches it finds all of it, in the old form or in the new one.
//! Enrolments on it wait. Its spare templates, where its model is being changed, go with it.

use pgvector::HalfVector;
use uuid::Uuid;

use super::error::StoreError;
use super::faces::{full_precision, half_precision};
use super::moving::{MOVED_AT_ONCE, Move};
use super::transaction::TenantTx;
use crate::domain::ids::WatchlistId;

impl TenantTx {
    /// A list that is in another form than new ones, or has spare templates in one; of those whose key is not known, none.
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
        match other {
            Some(row) => Ok(Some(row.watchlist_id.into())),
            None => self.find_spare_to_rekey().await,
        }
    }

    /// Rewrites a list in the form of new ones, and tells how many faces that were; 0 where somebody else has done it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn rekey_list(&mut self, watchlist: WatchlistId) -> Result<u64, StoreError> {
        self.lock_watchlist(watchlist).await?;
        self.take_time().await?;
        let mut rekeyed = 0;
        for from in self.filled_galleries(watchlist).await? {
            if let Some(to) = self.store().forms().renewed_id(&from) {
                rekeyed += self.rekey_gallery(watchlist, &from, &to).await?;
            }
        }
        let spare = self.rekey_spare(watchlist).await?;
        // What is in memory of the old form is of no more use.
        self.gone().lists.push(watchlist);
        // Spare templates are some of the same faces.
        Ok(rekeyed.max(spare))
    }

    async fn rekey_gallery(
        &mut self,
        watchlist: WatchlistId,
        from: &str,
        to: &str,
    ) -> Result<u64, StoreError> {
        self.register_like(from, to).await?;
        let mut moving = self.begin_move(watchlist, from, to).await?;
        while self.rekey_some(&mut moving).await? {}
        self.end_move(moving).await
    }

    /// False where there is nothing left.
    async fn rekey_some(&mut self, moving: &mut Move<'_>) -> Result<bool, StoreError> {
        let rows = sqlx::query!(
            r#"
            select revision, template as "template: HalfVector" from faces
            where watchlist_id = $1 and model_id = $2 and revision > $3 order by revision limit $4
            "#,
            moving.watchlist.as_uuid(),
            moving.from,
            moving.after,
            MOVED_AT_ONCE
        )
        .fetch_all(self.connection())
        .await?;
        let Some(row) = rows.last() else {
            return Ok(false);
        };
        moving.after = row.revision;
        let kept = rows.iter().map(|row| full_precision(&row.template));
        let templates = self.renew(moving.from, kept.collect()).await?;
        let revisions: Vec<i64> = rows.iter().map(|row| row.revision).collect();
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let numbers: Vec<i64> = (moving.last + 1..=moving.last + count).collect();
        moving.last += count;
        sqlx::query!(
            "update faces set model_id = $3, revision = kept.number, template = kept.template \
             from unnest($4::bigint[], $5::bigint[], $6::halfvec[]) as kept (revision, number, template) \
             where watchlist_id = $1 and model_id = $2 and faces.revision = any($4) \
             and faces.revision = kept.revision",
            moving.watchlist.as_uuid(),
            moving.from,
            moving.to,
            &revisions,
            &numbers,
            &templates as _
        )
        .execute(self.connection())
        .await?;
        Ok(true)
    }

    /// What was kept under an id, in the form of new lists.
    async fn renew(&self, from: &str, kept: Vec<Vec<f32>>) -> Result<Vec<HalfVector>, StoreError> {
        let templates = self.show(from, kept).await?;
        let templates = self.in_first_form(templates).await?;
        Ok(templates.iter().map(half_precision).collect())
    }

    /// Whatever ids the spare templates of these models may be kept under besides that of new lists.
    fn old_ids<'a>(&self, models: impl Iterator<Item = &'a str>) -> Vec<String> {
        let forms = self.store().forms();
        models
            .flat_map(|model| forms.ids(model).into_iter().skip(1))
            .collect()
    }

    async fn find_spare_to_rekey(&mut self) -> Result<Option<WatchlistId>, StoreError> {
        let changes = sqlx::query!(
            r#"
            select watchlist_id, from_model as "from_model!", to_model
            from model_changes
            where state in ('filling', 'ready', 'switched')
            "#
        )
        .fetch_all(self.connection())
        .await?;
        if changes.is_empty() {
            return Ok(None);
        }
        let models = changes
            .iter()
            .flat_map(|change| [change.from_model.as_str(), change.to_model.as_str()]);
        let ids = self.old_ids(models);
        let lists: Vec<Uuid> = changes.iter().map(|change| change.watchlist_id).collect();
        let found = sqlx::query_scalar!(
            "select watchlist_id from spare_templates where watchlist_id = any($1) and model_id = any($2) limit 1",
            &lists,
            &ids
        );
        let found = found.fetch_optional(self.connection()).await?;
        Ok(found.map(WatchlistId::from))
    }

    /// Rewrites the spare templates of a list, which is held, in the form of new lists. Answers how many.
    pub(super) async fn rekey_spare(&mut self, watchlist: WatchlistId) -> Result<u64, StoreError> {
        let Some(change) = self.find_open_model_change(watchlist).await? else {
            return Ok(0);
        };
        let models = [change.from_model.as_str(), change.to_model.as_str()];
        let mut rekeyed = 0;
        for from in self.old_ids(models.into_iter()) {
            let mut after = (Uuid::nil(), Uuid::nil());
            while let Some(last) = self.rekey_some_spare(watchlist, &from, after).await? {
                (after, rekeyed) = (last.0, rekeyed + last.1);
            }
        }
        Ok(rekeyed)
    }

    /// Which of them came last, and how many they were. None where there is nothing left.
    async fn rekey_some_spare(
        &mut self,
        watchlist: WatchlistId,
        from: &str,
        after: (Uuid, Uuid),
    ) -> Result<Option<((Uuid, Uuid), u64)>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select subject_id, face_id, template as "template: HalfVector" from spare_templates
            where watchlist_id = $1 and model_id = $2 and (subject_id, face_id) > ($3, $4)
            order by subject_id, face_id
            limit $5
            "#,
            watchlist.as_uuid(),
            from,
            after.0,
            after.1,
            MOVED_AT_ONCE
        )
        .fetch_all(self.connection())
        .await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let Some(to) = self.store().forms().renewed_id(from) else {
            return Ok(None);
        };
        self.register_like(from, &to).await?;
        let kept = rows.iter().map(|row| full_precision(&row.template));
        let templates = self.renew(from, kept.collect()).await?;
        let subjects: Vec<Uuid> = rows.iter().map(|row| row.subject_id).collect();
        let faces: Vec<Uuid> = rows.iter().map(|row| row.face_id).collect();
        sqlx::query!(
            "insert into spare_templates (watchlist_id, subject_id, face_id, model_id, template) \
             select $1, kept.subject_id, kept.face_id, $2, kept.template \
             from unnest($3::uuid[], $4::uuid[], $5::halfvec[]) as kept (subject_id, face_id, template) \
             on conflict on constraint spare_templates_pkey \
             do update set model_id = excluded.model_id, template = excluded.template",
            watchlist.as_uuid(),
            to,
            &subjects,
            &faces,
            &templates as _
        )
        .execute(self.connection())
        .await?;
        Ok(Some(((last.subject_id, last.face_id), rows.len() as u64)))
    }
}
