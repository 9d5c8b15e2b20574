//! Search: who on a watchlist is the person in a picture?

use super::{Verifier, VerifyError};
use crate::domain::face::Template;
use crate::domain::ids::{TenantId, WatchlistId};
use crate::domain::policy::fmr_for_fpir;
use crate::domain::watchlist::SearchOutcome;
use crate::store::TenantTx;

impl Verifier {
    /// Searches one watchlist for the one person in a picture.
    ///
    /// # Errors
    /// [`VerifyError`]; a fault is never an empty list of hits.
    pub async fn search(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
        image: Vec<u8>,
        target_fpir: Option<f64>,
        limit: u32,
    ) -> Result<SearchOutcome, VerifyError> {
        self.require_watchlists(tenant, &[watchlist_id])
            .await
            .map_err(of_path)?;
        let probe = self.probe("image", image).await?;
        let mut transaction = self.store.begin_snapshot(tenant).await?;
        let outcome = self
            .search_in(&mut transaction, watchlist_id, &probe, target_fpir, limit)
            .await;
        outcome.map_err(of_path)
    }

    /// Searches several watchlists with one template, all at one snapshot.
    pub(super) async fn search_lists(
        &self,
        tenant: &TenantId,
        watchlist_ids: &[WatchlistId],
        probe: &Template,
        target_fpir: Option<f64>,
        limit: u32,
    ) -> Result<Vec<SearchOutcome>, VerifyError> {
        let mut outcomes = Vec::with_capacity(watchlist_ids.len());
        if watchlist_ids.is_empty() {
            return Ok(outcomes);
        }
        let mut transaction = self.store.begin_snapshot(tenant).await?;
        for &id in watchlist_ids {
            outcomes.push(
                self.search_in(&mut transaction, id, probe, target_fpir, limit)
                    .await?,
            );
        }
        Ok(outcomes)
    }

    /// The threshold follows the number of faces that the same snapshot compares.
    pub(super) async fn search_in(
        &self,
        transaction: &mut TenantTx,
        watchlist_id: WatchlistId,
        probe: &Template,
        target_fpir: Option<f64>,
        limit: u32,
    ) -> Result<SearchOutcome, VerifyError> {
        let missing = VerifyError::NoSuchWatchlist(watchlist_id);
        let policy = transaction
            .find_watchlist_policy(watchlist_id)
            .await?
            .ok_or(missing)?;
        let target_fpir = target_fpir.unwrap_or(policy.target_fpir);
        let size = transaction
            .gallery_size(watchlist_id, probe.model_id())
            .await?;
        let threshold = self.calibration.threshold(fmr_for_fpir(target_fpir, size));
        let hits = transaction
            .search(watchlist_id, probe, threshold.similarity, limit)
            .await?;
        Ok(SearchOutcome {
            watchlist_id,
            kind: policy.kind,
            size,
            target_fpir,
            threshold,
            hits,
        })
    }

    /// Fails before any picture is worked on where a list of a request's body is not there.
    pub(super) async fn require_watchlists(
        &self,
        tenant: &TenantId,
        watchlist_ids: &[WatchlistId],
    ) -> Result<(), VerifyError> {
        if watchlist_ids.is_empty() {
            return Ok(());
        }
        let mut transaction = self.store.begin(tenant).await?;
        for &id in watchlist_ids {
            transaction
                .find_watchlist_policy(id)
                .await?
                .ok_or(VerifyError::NoSuchWatchlist(id))?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// A list that a path names is the resource itself: without it there is nothing there.
pub(super) fn of_path(error: VerifyError) -> VerifyError {
    if matches!(error, VerifyError::NoSuchWatchlist(_)) {
        VerifyError::NotFound
    } else {
        error
    }
}
