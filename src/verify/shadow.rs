//! Shadow searches: while a list is moved to another embedder, searches are made once more with the one that it is not in, and
//! it is counted how often both find the same person. Nobody waits for them, and no more than one at a time is made.

use super::plan::PlannedSearch;
use super::probe::Probe;
use super::{Verifier, VerifyError};
use crate::domain::ids::{SubjectId, TenantId};
use crate::domain::watchlist::{Band, SearchOutcome, SearchThresholds};
use crate::models::UsableEmbedder;

impl Verifier {
    /// Has the search of a list made once more, where the list is being moved and no other such search is on its way.
    pub(super) fn shadow(
        &self,
        tenant: &TenantId,
        list: &PlannedSearch,
        outcome: &SearchOutcome,
        probe: &Probe,
    ) {
        let Some(other) = list.also.clone() else {
            return;
        };
        let Ok(turn) = self.shadows.clone().try_acquire_owned() else {
            return;
        };
        let shadow = Shadow {
            verifier: self.clone(),
            tenant: tenant.clone(),
            list: list.clone(),
            other,
            size: outcome.size,
            found: best(outcome),
            probe: probe.clone(),
        };
        tokio::spawn(async move {
            if let Err(error) = shadow.search().await {
                tracing::debug!(%error, "a search was not repeated with the other embedder");
            }
            drop(turn);
        });
    }
}

/// The one whom a search brings up first, where they are a hit.
fn best(outcome: &SearchOutcome) -> Option<SubjectId> {
    let mut hits = outcome.hits.iter().filter(|hit| hit.band == Band::Hit);
    hits.next().map(|hit| hit.subject_id)
}

struct Shadow {
    verifier: Verifier,
    tenant: TenantId,
    list: PlannedSearch,
    other: UsableEmbedder,
    size: u64,
    found: Option<SubjectId>,
    probe: Probe,
}

impl Shadow {
    async fn search(mut self) -> Result<(), VerifyError> {
        let list = self.list.watchlist_id;
        let template = self.verifier.template_by(&mut self.probe, &self.other);
        let template = template.await?;
        let mut transaction = self.verifier.store.begin(&self.tenant).await?;
        // Nothing can be said of somebody whose template is not made yet.
        if let Some(found) = self.found
            && !transaction.has_spare(list, found).await?
        {
            return Ok(());
        }
        let nearest = transaction.search_spare(list, &template, 1).await?.pop();
        let calibration = &self.other.calibration;
        let threshold = SearchThresholds::of(calibration, self.list.target_fpir, self.size).hit;
        let hit = nearest.filter(|near| f64::from(near.similarity) >= threshold.similarity);
        let agreed = hit.map(|near| near.subject_id) == self.found;
        transaction.count_shadow_search(list, agreed).await?;
        Ok(transaction.commit().await?)
    }
}
