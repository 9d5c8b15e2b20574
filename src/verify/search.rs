//! Search: who on a watchlist is the person in a picture?

use std::time::Instant;

use tracing::Instrument as _;

use super::{Verifier, VerifyError};
use crate::domain::audit::{Actor, ListSearch, WatchlistSearched};
use crate::domain::face::Template;
use crate::domain::ids::{TenantId, WatchlistId};
use crate::domain::watchlist::{
    FalseAlarms, Hit, Nearest, SearchOutcome, SearchThresholds, WatchlistKind,
};
use crate::store::{GalleryMatches, GalleryQuery, StoreError, WatchlistPolicy};

/// A list that is to be searched, and by which rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedSearch {
    pub(super) watchlist_id: WatchlistId,
    kind: WatchlistKind,
    target_fpir: f64,
}

impl PlannedSearch {
    pub(super) fn of(watchlist_id: WatchlistId, policy: &WatchlistPolicy) -> Self {
        Self {
            watchlist_id,
            kind: policy.kind,
            target_fpir: policy.target_fpir,
        }
    }
}

impl Verifier {
    /// Searches one watchlist for the one person in a picture, and puts it on record.
    ///
    /// # Errors
    /// [`VerifyError`]; a fault is never an empty list of hits, and what is not on record is not answered.
    pub async fn search(
        &self,
        actor: &Actor,
        watchlist_id: WatchlistId,
        image: Vec<u8>,
        target_fpir: Option<f64>,
        limit: u32,
    ) -> Result<SearchOutcome, VerifyError> {
        let tenant = &actor.tenant;
        let lists = self.plan_search(tenant, &[watchlist_id], target_fpir).await;
        let lists = lists.map_err(of_path)?;
        let probe = self.probe("image", image).await?;
        let outcomes = self.search_lists(tenant, &lists, &probe, limit).await;
        let outcome = outcomes.map_err(of_path)?.pop();
        let outcome = outcome.ok_or(VerifyError::NotFound)?;
        let searched = WatchlistSearched {
            search: ListSearch::from(&outcome),
            limit,
            embedder: self.models.embedder.clone(),
        };
        self.record(actor, &searched.into()).await?;
        Ok(outcome)
    }

    /// Reads what the lists of a search go by, before any picture is worked on. `target_fpir` replaces their own.
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
        transaction.commit().await?;
        let plan = |id: &WatchlistId| {
            let policy = policies.get(id).ok_or(VerifyError::NoSuchWatchlist(*id))?;
            let mut planned = PlannedSearch::of(*id, policy);
            planned.target_fpir = target_fpir.unwrap_or(planned.target_fpir);
            Ok(planned)
        };
        watchlist_ids.iter().map(plan).collect()
    }

    /// Searches several watchlists with one template, all at once. One that holds faces of another embedder is not
    /// searched: nobody of it would be found, and that is no answer.
    pub(super) async fn search_lists(
        &self,
        tenant: &TenantId,
        lists: &[PlannedSearch],
        probe: &Template,
        limit: u32,
    ) -> Result<Vec<SearchOutcome>, VerifyError> {
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        // No gallery, however small, has a lower threshold than one of a single face.
        let query = |list: &PlannedSearch| GalleryQuery {
            watchlist_id: list.watchlist_id,
            min_similarity: self.thresholds(list, 1).review.similarity,
        };
        let queries: Vec<GalleryQuery> = lists.iter().map(query).collect();
        let started = Instant::now();
        let searching = async {
            let mut transaction = self.store.begin(tenant).await?;
            let found = transaction.search(&queries, probe, limit).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(found)
        };
        let span = tracing::trace_span!("watchlist search", lists = lists.len());
        let found = searching.instrument(span).await?;
        self.metrics.observe_search_time(started.elapsed());
        let mut found = found.into_iter().peekable();
        let mut outcomes = Vec::with_capacity(lists.len());
        for list in lists {
            let matches = found.next_if(|matches| matches.watchlist_id == list.watchlist_id);
            let matches = matches.ok_or(VerifyError::NoSuchWatchlist(list.watchlist_id))?;
            if matches.has_others {
                return Err(VerifyError::AnotherEmbedder(list.watchlist_id));
            }
            outcomes.push(self.judge(list, matches));
        }
        Ok(outcomes)
    }

    /// The thresholds follow the number of faces that the search found in the gallery.
    fn judge(&self, list: &PlannedSearch, matches: GalleryMatches) -> SearchOutcome {
        let thresholds = self.thresholds(list, matches.size);
        let hits = matches.nearest.into_iter().filter_map(|nearest| {
            let Nearest {
                subject_id,
                external_id,
                display_name,
                similarity,
            } = nearest;
            let alarms = FalseAlarms::of(&self.calibration, similarity, matches.size);
            Some(Hit {
                watchlist_id: list.watchlist_id,
                subject_id,
                external_id,
                display_name,
                similarity,
                band: thresholds.band(similarity)?,
                expected_false_alarms: Some(alarms),
            })
        });
        SearchOutcome {
            watchlist_id: list.watchlist_id,
            kind: list.kind,
            gallery_revision: matches.revision,
            size: matches.size,
            method: matches.method,
            candidates: matches.candidates,
            target_fpir: list.target_fpir,
            threshold: thresholds.hit,
            review: Some(thresholds.review),
            hits: hits.collect(),
        }
    }

    /// Whether a list holds faces of another embedder than the one at work, so that nothing can be compared with it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn is_foreign(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.store.begin(tenant).await?;
        let embedder = &self.models.embedder;
        let foreign = transaction
            .has_faces_of_others(watchlist_id, embedder)
            .await?;
        transaction.commit().await?;
        Ok(foreign)
    }

    pub(super) fn thresholds(&self, list: &PlannedSearch, size: u64) -> SearchThresholds {
        SearchThresholds::of(&self.calibration, list.target_fpir, size)
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
