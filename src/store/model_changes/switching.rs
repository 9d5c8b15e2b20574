//! How a list gets into its other model, and how a change ends.
//!
//! The templates of faces and the spare ones change places in one transaction that holds the list. So whoever searches
//! finds all of it in the old model or all of it in the new one, and the way back is the same.

use crate::domain::ids::{ModelChangeId, WatchlistId};
use crate::domain::model_change::ModelChangeState;
use crate::store::moving::{MOVED_AT_ONCE, Move};
use crate::store::{StoreError, TenantTx};

/// What became of a list that was to get into its other model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It is in it, with so many faces.
    Done(u64),
    /// So many of its faces have no template of that model; everything is as it was.
    MissingTemplates(u64),
    /// There is no change that could be made.
    NotOpen,
}

impl TenantTx {
    /// Switches a list to the model that its open change leads to, all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn switch_model(&mut self, watchlist: WatchlistId) -> Result<Switch, StoreError> {
        self.lock_watchlist(watchlist).await?;
        let change = self.find_open_model_change(watchlist).await?;
        let Some(change) = change.filter(|change| change.state.is_before_switch()) else {
            return Ok(Switch::NotOpen);
        };
        let switch = self.exchange(watchlist, &change.to_model).await?;
        if let Switch::Done(_) = switch {
            let state = ModelChangeState::Switched;
            self.set_model_change_state(change.id, state).await?;
        }
        Ok(switch)
    }

    /// Goes back to the model that a list was in before its open change, which is over by that. Before the switch that
    /// always succeeds; after it every face needs its template of then.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn roll_back_model_change(
        &mut self,
        watchlist: WatchlistId,
    ) -> Result<Switch, StoreError> {
        self.lock_watchlist(watchlist).await?;
        let Some(change) = self.find_open_model_change(watchlist).await? else {
            return Ok(Switch::NotOpen);
        };
        let switch = if change.state.is_before_switch() {
            Switch::Done(0)
        } else {
            self.exchange(watchlist, &change.from_model).await?
        };
        if let Switch::Done(_) = switch {
            let state = ModelChangeState::RolledBack;
            self.end_model_change(watchlist, change.id, state).await?;
        }
        Ok(switch)
    }

    /// Ends an open change before its switch, as its job is ended. False where there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn cancel_model_change(
        &mut self,
        watchlist: WatchlistId,
    ) -> Result<bool, StoreError> {
        self.end_open(watchlist, ModelChangeState::Cancelled).await
    }

    /// Ends an open change after its switch: there is no way back then. False where there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn finish_model_change(
        &mut self,
        watchlist: WatchlistId,
    ) -> Result<bool, StoreError> {
        self.end_open(watchlist, ModelChangeState::Finished).await
    }

    async fn end_open(
        &mut self,
        watchlist: WatchlistId,
        state: ModelChangeState,
    ) -> Result<bool, StoreError> {
        self.lock_watchlist(watchlist).await?;
        let change = self.find_open_model_change(watchlist).await?;
        let is_switched = state == ModelChangeState::Finished;
        match change.filter(|change| change.state.is_before_switch() != is_switched) {
            Some(change) => {
                self.end_model_change(watchlist, change.id, state).await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Drops the spare templates of a list, which is held.
    async fn end_model_change(
        &mut self,
        watchlist: WatchlistId,
        change: ModelChangeId,
        state: ModelChangeState,
    ) -> Result<(), StoreError> {
        self.take_time().await?;
        sqlx::query!(
            "delete from spare_templates where watchlist_id = $1",
            watchlist.as_uuid()
        )
        .execute(self.connection())
        .await?;
        self.set_model_change_state(change, state).await
    }

    async fn set_model_change_state(
        &mut self,
        change: ModelChangeId,
        state: ModelChangeState,
    ) -> Result<(), StoreError> {
        let is_switched = state == ModelChangeState::Switched;
        sqlx::query!(
            "update model_changes set state = $2, \
             switched_at = case when $3 then now() else switched_at end, \
             ended_at = case when $3 then ended_at else now() end \
             where id = $1",
            change.as_uuid(),
            state.name(),
            is_switched
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Exchanges the templates of the faces of a list, which is held, for its spare ones, which are of this model.
    async fn exchange(
        &mut self,
        watchlist: WatchlistId,
        model_id: &str,
    ) -> Result<Switch, StoreError> {
        self.take_time().await?;
        let missing = self.count_missing_spare(watchlist).await?;
        if missing > 0 {
            return Ok(Switch::MissingTemplates(missing));
        }
        // All of them in one form, since a list is in one.
        self.rekey_spare(watchlist).await?;
        let to = self.store().forms().ids(model_id).swap_remove(0);
        let mut faces = 0;
        for from in self.filled_galleries(watchlist).await? {
            faces += self.exchange_gallery(watchlist, &from, &to).await?;
        }
        self.set_list_model(watchlist, Some(model_id)).await?;
        // What is in memory of the other model is of no more use.
        self.gone().lists.push(watchlist);
        Ok(Switch::Done(faces))
    }

    /// Faces of a list, which is held, that have no spare template. Each of these is of one of the faces.
    async fn count_missing_spare(&mut self, watchlist: WatchlistId) -> Result<u64, StoreError> {
        let missing = sqlx::query_scalar!(
            r#"
            select (select coalesce(sum(faces), 0)::bigint from galleries where watchlist_id = $1)
                - (select count(*) from spare_templates where watchlist_id = $1) as "missing!"
            "#,
            watchlist.as_uuid()
        );
        let missing = missing.fetch_one(self.connection()).await?;
        Ok(missing.max(0).unsigned_abs())
    }

    async fn exchange_gallery(
        &mut self,
        watchlist: WatchlistId,
        from: &str,
        to: &str,
    ) -> Result<u64, StoreError> {
        let mut moving = self.begin_move(watchlist, from, to).await?;
        while self.exchange_some(&mut moving).await? {}
        self.end_move(moving).await
    }

    /// False where there is nothing left. The parts of the statement all see the templates as they were before it.
    async fn exchange_some(&mut self, moving: &mut Move<'_>) -> Result<bool, StoreError> {
        let exchanged = sqlx::query!(
            r#"
            with page as (
                select revision, subject_id, id, template, $5 + row_number() over (order by revision) as number
                from faces
                where watchlist_id = $1 and model_id = $2 and revision > $4
                order by revision
                limit $6
            ), pair as materialized (
                select page.revision, number, spare.template
                from page
                cross join lateral (
                    select model_id, template
                    from spare_templates
                    where watchlist_id = $1 and subject_id = page.subject_id and face_id = page.id
                    offset 0
                ) as spare
                where spare.model_id = $3
            ), moved as (
                update faces
                set model_id = $3, revision = pair.number, template = pair.template
                from pair
                where watchlist_id = $1 and model_id = $2 and faces.revision > $4
                    and faces.revision <= (select max(revision) from page) and faces.revision = pair.revision
                returning faces.id
            ), spared as (
                insert into spare_templates (watchlist_id, subject_id, face_id, model_id, template)
                select $1, subject_id, id, $2, template from page
                on conflict on constraint spare_templates_pkey
                do update set model_id = excluded.model_id, template = excluded.template
                returning face_id
            )
            select max(revision) as after, max(number) as last, count(*) as "faces!",
                (select count(*) from moved) as "moved!", (select count(*) from spared) as "spared!"
            from page
            "#,
            moving.watchlist.as_uuid(),
            moving.from,
            moving.to,
            moving.after,
            moving.last,
            MOVED_AT_ONCE
        )
        .fetch_one(self.connection())
        .await?;
        if (exchanged.moved, exchanged.spared) != (exchanged.faces, exchanged.faces) {
            // One of a key that is not configured here, since each face has one.
            return Err(StoreError::Corrupt(
                "a spare template is not of the model of the change".into(),
            ));
        }
        let (Some(after), Some(last)) = (exchanged.after, exchanged.last) else {
            return Ok(false);
        };
        (moving.after, moving.last) = (after, last);
        Ok(true)
    }
}
