//! Moving a list to another embedder while it is searched and filled.
//!
//! From the start of a change on, whoever is enrolled gets a template by both embedders; a job makes the missing ones of
//! pictures that were kept; searches are repeated with the embedder that the list is not in, to show whether both find the
//! same people. Then the list is switched, and for as long as the change is not finished it can go back.

use std::time::Instant;

use super::probe::Probe;
use super::search::of_path;
use super::{PROBE, Verifier, VerifyError};
use crate::domain::audit::{
    Actor, AuditEvent, ModelChangeEnded, ModelChangeStarted, ModelChangeSwitched,
};
use crate::domain::face::Template;
use crate::domain::ids::{TenantId, WatchlistId};
use crate::domain::model_change::{ModelChange, SwitchMode};
use crate::models::UsableEmbedder;
use crate::store::{ModelChangeRefusal, NewModelChange, Switch, TenantTx, Uncommitted};
use crate::vision::{AnalysisRequest, blank_picture};

/// How a change comes to its end, or to its turning point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The list gets into the new embedder.
    Switch,
    /// It stays in the old one, or goes back to it.
    RollBack,
    /// It stays in the new one.
    Finish,
}

impl Verifier {
    /// Begins to move a list to an embedder, or goes on with it. The caller commits, and wakes whoever works on jobs.
    ///
    /// # Errors
    /// [`VerifyError::NotFound`] without such a list or embedder, [`VerifyError::UnusableModel`] where no templates can be
    /// made with it, [`VerifyError::ModelChange`] where the list cannot be moved now.
    pub async fn activate(
        &self,
        actor: &Actor,
        model: &str,
        watchlist_id: WatchlistId,
        switch: SwitchMode,
    ) -> Result<Uncommitted<ModelChange>, VerifyError> {
        let named = self.others.named(model).await;
        let named = named.map_err(|error| VerifyError::UnusableModel(error.to_string()))?;
        let (embedder, dimensions) = named.ok_or(VerifyError::NotFound)?;
        self.try_out(&embedder).await?;
        let new = NewModelChange {
            to_model: embedder.id.to_string(),
            dimensions,
            switch,
        };
        let mut transaction = self.store.begin(&actor.tenant).await?;
        let begun = transaction.start_model_change(watchlist_id, &new, actor);
        let change = match begun.await? {
            Ok(change) => change,
            Err(ModelChangeRefusal::NoSuchWatchlist) => return Err(VerifyError::NotFound),
            Err(refusal) => return Err(VerifyError::ModelChange(refusal)),
        };
        let started = ModelChangeStarted::from(&change);
        transaction.append_audit_event(actor, &started.into())?;
        Ok(Uncommitted {
            outcome: change,
            transaction,
        })
    }

    /// Has a worker load an embedder, so that one that cannot be run is found before a list depends on it.
    async fn try_out(&self, embedder: &UsableEmbedder) -> Result<(), VerifyError> {
        let request = AnalysisRequest {
            embedder: embedder.embedder,
            ..PROBE
        };
        let blank = blank_picture().map_err(|error| VerifyError::Vision {
            part: "image",
            source: error,
        })?;
        let deadline = Instant::now() + self.deadline;
        let tried = self.engine.analyse(blank, request, deadline).await;
        tried
            .map(drop)
            .map_err(|error| VerifyError::UnusableModel(error.to_string()))
    }

    /// Brings a change to its turning point or its end, in a transaction of its own.
    ///
    /// # Errors
    /// [`VerifyError::NotFound`] without such a list, [`VerifyError::TemplatesMissing`] where faces have no template of the
    /// embedder that the list is to be in, [`VerifyError::NoModelChange`] where no change is open that could take this step.
    pub async fn take_step(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        step: Step,
    ) -> Result<ModelChange, VerifyError> {
        let mut transaction = self.store.begin(&actor.tenant).await?;
        let change = take_step_in(&mut transaction, actor, watchlist_id, step).await?;
        transaction.commit().await?;
        Ok(change)
    }

    /// How far the latest change of a list is.
    ///
    /// # Errors
    /// [`VerifyError::NotFound`] without such a list, [`VerifyError::NoModelChange`] where it was never to be moved.
    pub async fn model_change(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
    ) -> Result<ModelChange, VerifyError> {
        let mut transaction = self.store.begin(tenant).await?;
        latest(&mut transaction, watchlist_id).await
    }

    /// The template of the one face of a kept picture, by an embedder.
    pub(crate) async fn template_of(
        &self,
        embedder: &UsableEmbedder,
        image: Vec<u8>,
    ) -> Result<Template, VerifyError> {
        let mut probe = Probe::new("image", image.into());
        self.template_by(&mut probe, embedder)
            .await
            .map_err(of_path)
    }
}

/// The change of a list that is open, or else the latest.
async fn latest(
    transaction: &mut TenantTx,
    watchlist_id: WatchlistId,
) -> Result<ModelChange, VerifyError> {
    if let Some(change) = transaction.find_model_change(watchlist_id).await? {
        return Ok(change);
    }
    let list = transaction.find_watchlist_policy(watchlist_id).await?;
    Err(list.map_or(VerifyError::NotFound, |_| VerifyError::NoModelChange))
}

/// Takes a step as [`Verifier::take_step`] does, in a transaction that goes on.
pub(crate) async fn take_step_in(
    transaction: &mut TenantTx,
    actor: &Actor,
    watchlist_id: WatchlistId,
    step: Step,
) -> Result<ModelChange, VerifyError> {
    let switch = match step {
        Step::Switch => transaction.switch_model(watchlist_id).await?,
        Step::RollBack => transaction.roll_back_model_change(watchlist_id).await?,
        Step::Finish if transaction.finish_model_change(watchlist_id).await? => Switch::Done(0),
        Step::Finish => Switch::NotOpen,
    };
    let change = latest(transaction, watchlist_id).await?;
    match switch {
        Switch::MissingTemplates(faces) => return Err(VerifyError::TemplatesMissing(faces)),
        Switch::NotOpen => return Err(VerifyError::NoModelChange),
        Switch::Done(_) => {}
    }
    let event: AuditEvent = match step {
        Step::Switch => ModelChangeSwitched::from(&change).into(),
        Step::RollBack | Step::Finish => ModelChangeEnded::from(&change).into(),
    };
    transaction.append_audit_event(actor, &event)?;
    Ok(change)
}
