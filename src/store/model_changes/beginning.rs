//! How a change of a list's model begins.

use crate::domain::audit::Actor;
use crate::domain::ids::{JobId, ModelChangeId, WatchlistId};
use crate::domain::job::JobKind;
use crate::domain::model_change::{ModelChange, ModelChangeState, SwitchMode};
use crate::store::forms::split;
use crate::store::{StoreError, TenantTx};

/// What a list is to be changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewModelChange {
    /// The embedder's id.
    pub to_model: String,
    /// The length of its templates.
    pub dimensions: usize,
    /// Who switches the list.
    pub switch: SwitchMode,
}

/// Why a change does not begin.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelChangeRefusal {
    /// There is no such list.
    NoSuchWatchlist,
    /// Another change is open, or this one has been switched already.
    AnotherIsOpen(Box<ModelChange>),
    /// The list is in that model.
    InThatModel,
    /// The list holds faces of several models, from before that was refused.
    Mixed,
}

impl TenantTx {
    /// Begins the change of a list's model, with a job that fills it. The same change once more, before its switch, goes
    /// on: with its job, or a new one where that is over. A list without faces is changed at once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the model is known with another number of dimensions.
    pub async fn start_model_change(
        &mut self,
        watchlist: WatchlistId,
        new: &NewModelChange,
        actor: &Actor,
    ) -> Result<Result<ModelChange, ModelChangeRefusal>, StoreError> {
        if !self.lock_watchlist(watchlist).await? {
            return Ok(Err(ModelChangeRefusal::NoSuchWatchlist));
        }
        let latest = self.find_model_change(watchlist).await?;
        if let Some(open) = latest.filter(|change| change.state.is_open()) {
            if open.to_model != new.to_model || !open.state.is_before_switch() {
                return Ok(Err(ModelChangeRefusal::AnotherIsOpen(Box::new(open))));
            }
            return Ok(Ok(self.go_on(open, new.switch, actor).await?));
        }
        let galleries = self.filled_galleries(watchlist).await?;
        let mut models: Vec<&str> = galleries.iter().map(|kept| split(kept).0).collect();
        models.sort_unstable();
        models.dedup();
        let current = match models[..] {
            [] => self.explicit_model(watchlist).await?,
            [model] => Some(model.to_owned()),
            [..] => return Ok(Err(ModelChangeRefusal::Mixed)),
        };
        if current.as_ref() == Some(&new.to_model) {
            return Ok(Err(ModelChangeRefusal::InThatModel));
        }
        self.register_forms(&new.to_model, new.dimensions).await?;
        let change = (current.as_deref(), galleries.is_empty());
        self.insert_model_change(watchlist, change, new, actor)
            .await?;
        let begun = self.find_model_change(watchlist).await?;
        begun.map(Ok).ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Goes on with a change that was begun before.
    async fn go_on(
        &mut self,
        open: ModelChange,
        switch: SwitchMode,
        actor: &Actor,
    ) -> Result<ModelChange, StoreError> {
        let job = match open.job_id {
            Some(id) => self.find_job(id).await?,
            None => None,
        };
        let job_id = match job.filter(|job| !job.state.is_final()) {
            Some(job) => job.id,
            None => {
                let (list, kind) = (open.watchlist_id, JobKind::ModelChange);
                self.insert_queued_job(list, kind, actor, open.faces)
                    .await?
            }
        };
        sqlx::query!(
            "update model_changes set job_id = $2, switch_mode = $3, state = 'filling' where id = $1",
            open.id.as_uuid(),
            job_id.as_uuid(),
            switch.name()
        )
        .execute(self.connection())
        .await?;
        Ok(ModelChange {
            job_id: Some(job_id),
            switch,
            state: ModelChangeState::Filling,
            ..open
        })
    }

    /// From the model that the list is in, and over at once where it is empty.
    async fn insert_model_change(
        &mut self,
        watchlist: WatchlistId,
        (from, is_empty): (Option<&str>, bool),
        new: &NewModelChange,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let (state, model) = if is_empty {
            (ModelChangeState::Finished, Some(new.to_model.as_str()))
        } else {
            (ModelChangeState::Filling, from)
        };
        let job = if is_empty {
            None
        } else {
            let faces = self.count_gallery_faces(watchlist).await?;
            let kind = JobKind::ModelChange;
            let job = self.insert_queued_job(watchlist, kind, actor, faces);
            Some(job.await?)
        };
        sqlx::query!(
            "insert into model_changes (id, watchlist_id, job_id, from_model, to_model, state, switch_mode, \
             created_by, request_id, switched_at, ended_at) \
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, ended_at, ended_at \
             from (select case when $10 then now() end as ended_at) as at_once",
            ModelChangeId::new().as_uuid(),
            watchlist.as_uuid(),
            job.map(JobId::as_uuid),
            from,
            new.to_model,
            state.name(),
            new.switch.name(),
            actor.subject,
            actor.request_id,
            is_empty
        )
        .execute(self.connection())
        .await?;
        // From now on the list's own, also when its last face goes.
        self.set_list_model(watchlist, model).await
    }

    async fn count_gallery_faces(&mut self, watchlist: WatchlistId) -> Result<u64, StoreError> {
        let faces = sqlx::query_scalar!(
            r#"select coalesce(sum(faces), 0)::bigint as "faces!" from galleries where watchlist_id = $1"#,
            watchlist.as_uuid()
        );
        Ok(faces.fetch_one(self.connection()).await?.unsigned_abs())
    }

    async fn explicit_model(
        &mut self,
        watchlist: WatchlistId,
    ) -> Result<Option<String>, StoreError> {
        let model = sqlx::query_scalar!(
            "select model_id from watchlists where id = $1",
            watchlist.as_uuid()
        );
        let model = model.fetch_optional(self.connection()).await?;
        Ok(model.flatten())
    }

    /// Makes a model known in every form, so that templates can be of it.
    pub(super) async fn register_forms(
        &mut self,
        model_id: &str,
        dimensions: usize,
    ) -> Result<(), StoreError> {
        let ids = self.store().forms().ids(model_id);
        sqlx::query!(
            "insert into models (id, dimensions) select id, $2 from unnest($1::text[]) as id \
             on conflict (id, dimensions) do nothing",
            &ids,
            i32::try_from(dimensions).unwrap_or(i32::MAX)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
