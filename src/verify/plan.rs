//! What lists go by: read before any picture is worked on, and once more where a list went over to another embedder meanwhile.

use std::future::Future;

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
    /// Of both, whether the second can be used or not.
    ids: (String, Option<String>),
}

impl PlannedSearch {
    /// What holds a search of `size` faces to the rate.
    pub(super) fn thresholds(&self, size: u64) -> SearchThresholds {
        SearchThresholds::of(&self.embedder.calibration, self.target_fpir, size)
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

    /// Whether what was planned for a list, which is held, is so still: faces that were looked at have the right templates.
    pub(super) async fn is_as_planned(
        &self,
        transaction: &mut TenantTx,
        list: &PlannedSearch,
    ) -> Result<bool, VerifyError> {
        let id = list.watchlist_id;
        let models = transaction.list_models(&[id]).await?.remove(&id);
        let models = models.ok_or(VerifyError::NotFound)?;
        Ok(self.ids(models) == list.ids)
    }

    /// Of both embedders: a list that is in none goes by the one at work.
    fn ids(&self, models: ListModels) -> (String, Option<String>) {
        let at_work = || self.at_work.id.to_string();
        (models.current.unwrap_or_else(at_work), models.also)
    }

    async fn plan(
        &self,
        watchlist_id: WatchlistId,
        policy: &WatchlistPolicy,
        models: ListModels,
    ) -> Result<PlannedSearch, VerifyError> {
        let ids = self.ids(models);
        let embedder = self.embedder(&ids.0).await;
        let also = match &ids.1 {
            // Where it is gone, its templates are missing in the end, and nothing else suffers.
            Some(id) => self.embedder(id).await,
            None => None,
        };
        Ok(PlannedSearch {
            watchlist_id,
            kind: policy.kind,
            target_fpir: policy.target_fpir,
            embedder: embedder.ok_or(VerifyError::AnotherEmbedder(watchlist_id))?,
            also,
            ids,
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
