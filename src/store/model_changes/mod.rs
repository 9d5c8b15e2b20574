//! Changes of the model of a list, and how far they are.
//!
//! Whoever changes what is kept here, or a template, holds the list until the end of the transaction.

mod beginning;
mod spare;
mod switching;

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

pub use beginning::{ModelChangeRefusal, NewModelChange};
pub use spare::SubjectToEnrol;
pub use switching::Switch;

use super::error::StoreError;
use super::forms::split;
use super::transaction::TenantTx;
use crate::domain::ids::{JobId, ModelChangeId, WatchlistId};
use crate::domain::model_change::{ModelChange, ModelChangeState, SwitchMode};

/// The models of a list, by their plain ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListModels {
    /// The one that it is searched by and filled with; none where that is for the service to say.
    pub current: Option<String>,
    /// The other one of which its faces are to have templates, while a change is open.
    pub also: Option<String>,
}

/// What others need to know of an open change.
pub(super) struct OpenChange {
    pub(super) id: ModelChangeId,
    /// An open change is that of a list which had a model.
    pub(super) from_model: String,
    pub(super) to_model: String,
    pub(super) state: ModelChangeState,
}

impl OpenChange {
    /// The model that spare templates are of.
    pub(super) fn spare_model(&self) -> &str {
        if self.state.is_before_switch() {
            &self.to_model
        } else {
            &self.from_model
        }
    }
}

impl TenantTx {
    /// Reads the change of a list's model that is open, or else the latest.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_model_change(
        &mut self,
        watchlist: WatchlistId,
    ) -> Result<Option<ModelChange>, StoreError> {
        let row = sqlx::query_as!(
            ModelChangeRow,
            r#"
            with change as (
                select *, state in ('filling', 'ready', 'switched') as is_open
                from model_changes
                where watchlist_id = $1
                order by is_open desc, id desc
                limit 1
            )
            select id as "id!", job_id as "job_id?", from_model as "from_model?", to_model as "to_model!",
                state as "state!", switch_mode as "switch_mode!", searches as "searches!", agreed as "agreed!",
                created_at as "created_at!", switched_at as "switched_at?", ended_at as "ended_at?",
                (select coalesce(sum(faces), 0)::bigint from galleries where watchlist_id = $1) as "faces!",
                case when is_open then (
                    select count(*) from spare_templates where watchlist_id = $1
                ) else 0 end as "filled!",
                case when is_open then (
                    select count(*) from face_images as images where watchlist_id = $1 and not exists (
                        select from spare_templates
                        where watchlist_id = $1 and subject_id = images.subject_id and face_id = images.face_id
                    )
                ) end as "fillable?"
            from change
            "#,
            watchlist.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| row.of_list(watchlist)).transpose()
    }

    /// Which models each list is in, of those that exist.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_models(
        &mut self,
        watchlists: &[WatchlistId],
    ) -> Result<HashMap<WatchlistId, ListModels>, StoreError> {
        let ids: Vec<Uuid> = watchlists.iter().map(|id| id.as_uuid()).collect();
        let rows = sqlx::query!(
            r#"
            select id, coalesce(
                    (
                        select galleries.model_id from galleries
                        where watchlist_id = watchlists.id and faces > 0
                        order by faces desc limit 1
                    ),
                    watchlists.model_id
                ) as current,
                (
                    select case when state = 'switched' then from_model else to_model end
                    from model_changes
                    where watchlist_id = watchlists.id and state in ('filling', 'ready', 'switched')
                ) as also
            from watchlists
            where id = any($1)
            "#,
            &ids
        )
        .fetch_all(self.connection())
        .await?;
        let models = rows.into_iter().map(|row| {
            let models = ListModels {
                current: row.current.map(|kept| split(&kept).0.to_owned()),
                also: row.also,
            };
            (row.id.into(), models)
        });
        Ok(models.collect())
    }

    /// Says that every face has templates of both models. False where that is not so, or the change is not being filled.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn mark_ready(&mut self, change: ModelChangeId) -> Result<bool, StoreError> {
        let marked = sqlx::query!(
            r#"
            update model_changes
            set state = 'ready'
            where id = $1 and state = 'filling'
                and (select coalesce(sum(faces), 0) from galleries where watchlist_id = model_changes.watchlist_id)
                    = (select count(*) from spare_templates where watchlist_id = model_changes.watchlist_id)
            "#,
            change.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(marked.rows_affected() == 1)
    }

    /// Counts a search of a list that was made with both models of its open change, and whether their answers agreed.
    /// Searches of one list wait for each other here, until the end of their transactions.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn count_shadow_search(
        &mut self,
        watchlist: WatchlistId,
        agreed: bool,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update model_changes set searches = searches + 1, agreed = agreed + $2::bool::int \
             where watchlist_id = $1 and state in ('filling', 'ready', 'switched')",
            watchlist.as_uuid(),
            agreed
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub(super) async fn find_open_model_change(
        &mut self,
        watchlist: WatchlistId,
    ) -> Result<Option<OpenChange>, StoreError> {
        let row = sqlx::query!(
            r#"
            select id, from_model as "from_model!", to_model, state
            from model_changes
            where watchlist_id = $1 and state in ('filling', 'ready', 'switched')
            "#,
            watchlist.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| {
            Ok(OpenChange {
                id: row.id.into(),
                from_model: row.from_model,
                to_model: row.to_model,
                state: parse_state(&row.state)?,
            })
        })
        .transpose()
    }

    async fn set_list_model(
        &mut self,
        watchlist: WatchlistId,
        model: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update watchlists set model_id = $2 where id = $1",
            watchlist.as_uuid(),
            model
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

struct ModelChangeRow {
    id: Uuid,
    job_id: Option<Uuid>,
    from_model: Option<String>,
    to_model: String,
    state: String,
    switch_mode: String,
    searches: i64,
    agreed: i64,
    created_at: OffsetDateTime,
    switched_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
    faces: i64,
    filled: i64,
    /// Faces that a template can be made for; none when the change is over.
    fillable: Option<i64>,
}

impl ModelChangeRow {
    fn of_list(self, watchlist_id: WatchlistId) -> Result<ModelChange, StoreError> {
        let unknown = || StoreError::Corrupt("a change of a model with an unknown mode".into());
        let missing = |fillable| self.faces - self.filled - fillable;
        Ok(ModelChange {
            id: self.id.into(),
            watchlist_id,
            job_id: self.job_id.map(JobId::from),
            from_model: self.from_model,
            to_model: self.to_model,
            state: parse_state(&self.state)?,
            switch: SwitchMode::parse(&self.switch_mode).ok_or_else(unknown)?,
            faces: self.faces.unsigned_abs(),
            filled: self.filled.unsigned_abs(),
            images_missing: self.fillable.map_or(0, missing).max(0).unsigned_abs(),
            searches: self.searches.unsigned_abs(),
            agreed: self.agreed.unsigned_abs(),
            created_at: self.created_at,
            switched_at: self.switched_at,
            ended_at: self.ended_at,
        })
    }
}

fn parse_state(name: &str) -> Result<ModelChangeState, StoreError> {
    ModelChangeState::parse(name)
        .ok_or_else(|| StoreError::Corrupt("a change of a model in an unknown state".into()))
}
