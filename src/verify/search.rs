//! Search: who on a watchlist is the person in a picture?

use std::collections::HashMap;
use std::time::Instant;

use tracing::Instrument as _;

use super::plan::{PlannedSearch, TRIES};
use super::probe::Probe;
use super::{Verifier, VerifyError};
use crate::domain::audit::{Actor, ListSearch, WatchlistSearched};
use crate::domain::face::Template;
use crate::domain::ids::{TenantId, WatchlistId};
use crate::domain::watchlist::{FalseAlarms, Hit, Nearest, SearchOutcome};
use crate::store::{GalleryMatches, GalleryQuery, StoreError};

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
        let mut probe = Probe::new("image", image.into());
        let outcomes = self.search_lists(tenant, lists, &mut probe, limit).await;
        let outcome = outcomes.map_err(of_path)?.pop();
        let outcome = outcome.ok_or(VerifyError::NotFound)?;
        let searched = WatchlistSearched {
            search: ListSearch::from(&outcome),
            limit,
        };
        self.record(actor, &searched.into()).await?;
        Ok(outcome)
    }

    /// Searches several watchlists for one face, all that are in one embedder at once. One that holds faces of an embedder
    /// that is not there is not searched: nobody of it would be found, and that is no answer.
    pub(super) async fn search_lists(
        &self,
        tenant: &TenantId,
        lists: Vec<PlannedSearch>,
        probe: &mut Probe,
        limit: u32,
    ) -> Result<Vec<SearchOutcome>, VerifyError> {
        let mut found = HashMap::with_capacity(lists.len());
        let order: Vec<WatchlistId> = lists.iter().map(|list| list.watchlist_id).collect();
        let mut left = lists;
        for _ in 0..TRIES {
            left = self
                .search_by_embedder(tenant, left, probe, limit, &mut found)
                .await?;
            if left.is_empty() {
                let outcomes = order.iter().filter_map(|id| found.get(id).cloned());
                return Ok(outcomes.collect());
            }
            left = self.plan_anew(tenant, &left).await?;
        }
        Err(VerifyError::AnotherEmbedder(left[0].watchlist_id))
    }

    /// Searches lists, those of one embedder after the other, and answers those that have gone over to another embedder.
    async fn search_by_embedder(
        &self,
        tenant: &TenantId,
        mut lists: Vec<PlannedSearch>,
        probe: &mut Probe,
        limit: u32,
        found: &mut HashMap<WatchlistId, SearchOutcome>,
    ) -> Result<Vec<PlannedSearch>, VerifyError> {
        lists.sort_by(|a, b| a.embedder.id.cmp(&b.embedder.id));
        let mut left = Vec::new();
        for lists in lists.chunk_by(|a, b| a.embedder.id == b.embedder.id) {
            let template = self.template_by(probe, &lists[0].embedder).await?;
            let matches = self.matches(tenant, lists, &template, limit).await?;
            for (list, matches) in lists.iter().zip(matches) {
                if matches.has_others {
                    left.push(list.clone());
                } else {
                    let outcome = judge(list, matches);
                    self.shadow(tenant, list, &outcome, probe);
                    found.insert(list.watchlist_id, outcome);
                }
            }
        }
        Ok(left)
    }

    /// What a template finds in each of several lists.
    async fn matches(
        &self,
        tenant: &TenantId,
        lists: &[PlannedSearch],
        probe: &Template,
        limit: u32,
    ) -> Result<Vec<GalleryMatches>, VerifyError> {
        // No gallery, however small, has a lower threshold than one of a single face.
        let query = |list: &PlannedSearch| GalleryQuery {
            watchlist_id: list.watchlist_id,
            min_similarity: list.thresholds(1).review.similarity,
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
        let matches = lists.iter().map(|list| {
            let matches = found.next_if(|matches| matches.watchlist_id == list.watchlist_id);
            matches.ok_or(VerifyError::NoSuchWatchlist(list.watchlist_id))
        });
        matches.collect()
    }

    /// What lists go by now, whose rates stay.
    async fn plan_anew(
        &self,
        tenant: &TenantId,
        lists: &[PlannedSearch],
    ) -> Result<Vec<PlannedSearch>, VerifyError> {
        let ids: Vec<WatchlistId> = lists.iter().map(|list| list.watchlist_id).collect();
        let mut planned = self.plan_search(tenant, &ids, None).await?;
        for (planned, before) in planned.iter_mut().zip(lists) {
            planned.target_fpir = before.target_fpir;
        }
        Ok(planned)
    }

    /// Whether a list is in an embedder that is not there, so that nothing can be compared with it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn is_foreign(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
    ) -> Result<bool, StoreError> {
        match self.plan_search(tenant, &[watchlist_id], None).await {
            Err(VerifyError::AnotherEmbedder(_)) => Ok(true),
            Err(VerifyError::Store(error)) => Err(error),
            Ok(_) | Err(_) => Ok(false),
        }
    }
}

/// The thresholds follow the number of faces that the search found in the gallery.
fn judge(list: &PlannedSearch, matches: GalleryMatches) -> SearchOutcome {
    let thresholds = list.thresholds(matches.size);
    let calibration = &list.embedder.calibration;
    let hits = matches.nearest.into_iter().filter_map(|nearest| {
        let Nearest {
            subject_id,
            external_id,
            display_name,
            similarity,
        } = nearest;
        let alarms = FalseAlarms::of(calibration, similarity, matches.size);
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
        embedder: Some(list.embedder.id.to_string()),
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

/// A list that a path names is the resource itself: without it there is nothing there.
pub(super) fn of_path(error: VerifyError) -> VerifyError {
    if matches!(error, VerifyError::NoSuchWatchlist(_)) {
        VerifyError::NotFound
    } else {
        error
    }
}
