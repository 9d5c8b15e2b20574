//! What lists go by: read before any picture is worked on, and once more where a list went over to another embedder meanwhile.

use std::future::Future;
use std::sync::Arc;

use super::{Verifier, VerifyError};
use crate::domain::ids::{TenantId, WatchlistId};
use crate::domain::watchlist::{SearchThresholds, WatchlistKind};
use crate::models::UsableEmbedder;
use crate::store::{ListModels, StoreError, TenantTx, WatchlistPolicy};

/// How often something is begun anew because a list went over to another embedder. That happens once, and may be undone.
pub(super) const TRIES: usize = 3;

/// A list that is to be searched or enrolled on: by which rate, and by which embedder.
#[derive(Debug, Clone)]
pub(crate) struct PlannedSearch {
    pub(super) watchlist_id: WatchlistId,
    pub(super) kind: WatchlistKind,
    pub(super) target_fpir: f64,
    /// What made its templates.
    pub(super) embedder: UsableEmbedder,
    /// What makes a second one of each face, while the list is going over to it.
    pub(super) also: Option<UsableEmbedder>,
}

impl PlannedSearch {
    /// What holds a search of `size` faces to the rate.
    pub(super) fn thresholds(&self, size: u64) -> SearchThresholds {
        SearchThresholds::of(&self.embedder.calibration, self.target_fpir, size)
    }

    /// Whether faces get the same templates by another plan.
    pub(super) fn goes_by_the_same(&self, other: &Self) -> bool {
        let ids = |list: &Self| {
            let also = list.also.as_ref().map(|also| Arc::clone(&also.id));
            (Arc::clone(&list.embedder.id), also)
        };
        ids(self) == ids(other)
    }
}

impl Verifier {
    /// Reads what the lists of a search go by. `target_fpir` replaces their own rates.
    pub(super) async fn plan_search(
        &self,
        tenant: &TenantId,
        watchlist_ids: &[WatchlistId],
        target_fpir: Option<f64>,
    ) -> Result<Vec<PlannedSearch>, VerifyError> {
        if watchlist_ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.store.begin(tenant).await?;
        let policies = transaction.find_watchlist_policies(watchlist_ids).await?;
        let mut models = transaction.list_models(watchlist_ids).await?;
        transaction.commit().await?;
        let mut lists = Vec::with_capacity(watchlist_ids.len());
        for id in watchlist_ids {
            let policy = policies.get(id).ok_or(VerifyError::NoSuchWatchlist(*id))?;
            let models = models.remove(id).unwrap_or_default();
            let mut list = self.plan(*id, policy, models).await?;
            list.target_fpir = target_fpir.unwrap_or(list.target_fpir);
            lists.push(list);
        }
        Ok(lists)
    }

    /// The same of one list, whose lock is held.
    pub(super) async fn plan_in(
        &self,
        transaction: &mut TenantTx,
        id: WatchlistId,
    ) -> Result<PlannedSearch, VerifyError> {
        let policy = transaction.find_watchlist_policy(id).await?;
        let policy = policy.ok_or(VerifyError::NotFound)?;
        let models = transaction.list_models(&[id]).await?.remove(&id);
        self.plan(id, &policy, models.unwrap_or_default()).await
    }

    async fn plan(
        &self,
        watchlist_id: WatchlistId,
        policy: &WatchlistPolicy,
        models: ListModels,
    ) -> Result<PlannedSearch, VerifyError> {
        let unusable = || VerifyError::AnotherEmbedder(watchlist_id);
        let embedder = match models.current {
            Some(id) => self.embedder(&id).await.ok_or_else(unusable)?,
            None => self.at_work.clone(),
        };
        let also = match models.also {
            // Where it is gone, its templates are missing in the end, and nothing else suffers.
            Some(id) => self.embedder(&id).await,
            None => None,
        };
        Ok(PlannedSearch {
            watchlist_id,
            kind: policy.kind,
            target_fpir: policy.target_fpir,
            embedder,
            also,
        })
    }

    /// The embedder whose templates carry an id, where templates can be made with it.
    pub(crate) async fn embedder(&self, id: &str) -> Option<UsableEmbedder> {
        if *self.at_work.id == *id {
            return Some(self.at_work.clone());
        }
        self.others.find(id).await
    }
}

/// Makes an attempt, and another one where the list went over to another embedder meanwhile.
pub(super) async fn persist<T, F>(attempt: impl Fn() -> F) -> Result<T, VerifyError>
where
    F: Future<Output = Result<T, VerifyError>>,
{
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if is_overtaken(&error) => {}
            done => return done,
        }
    }
    attempt().await
}

/// Whether a list was found to be in another embedder than was planned.
pub(crate) fn is_overtaken(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::AnotherEmbedder(_) | VerifyError::Store(StoreError::ModelChanged)
    )
}
