//! Searches of one gallery, timed and compared.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;

use super::report::{Latency, Searched};
use super::synthetic::Population;
use crate::domain::face::Template;
use crate::domain::ids::{TenantId, WatchlistId};
use crate::domain::watchlist::Nearest;
use crate::store::{GalleryMatches, GalleryQuery, Store, StoreError};

/// What the service asks for where a list's target is 1 %: less alike cannot be a hit, however small the list.
const MIN_SIMILARITY: f64 = 0.15;
const LIMIT: u32 = 10;
const CLIENTS: usize = 8;
/// Most searches of each of them.
const SEARCHES_PER_CLIENT: usize = 250;
/// Picture of a person that they are searched for by; number 0 is enrolled.
const PROBE_PICTURE: u64 = 1;

/// A gallery, and whom to look for in it.
pub(super) struct Searching {
    pub(super) store: Store,
    pub(super) tenant: TenantId,
    pub(super) list: WatchlistId,
    pub(super) population: Arc<Population>,
    /// People who are in it.
    pub(super) people: Vec<u64>,
    /// Of these, how many answers are compared with those of comparing every face.
    pub(super) exact_probes: usize,
}

impl Searching {
    /// The same gallery, searched by another service.
    pub(super) fn by(self, store: Store) -> Self {
        Self { store, ..self }
    }

    pub(super) async fn find(&self, probe: &Template) -> Result<GalleryMatches, StoreError> {
        self.ask(probe, false).await
    }

    async fn ask(&self, probe: &Template, exactly: bool) -> Result<GalleryMatches, StoreError> {
        let query = [GalleryQuery {
            watchlist_id: self.list,
            min_similarity: MIN_SIMILARITY,
        }];
        let mut transaction = self.store.begin(&self.tenant).await?;
        let mut found = if exactly {
            transaction.search_exactly(&query, probe, LIMIT).await?
        } else {
            transaction.search(&query, probe, LIMIT).await?
        };
        transaction.commit().await?;
        found.pop().ok_or(StoreError::MissingReference {
            constraint: "watchlists_pkey".to_owned(),
        })
    }

    pub(super) fn probe(&self, person: u64) -> Template {
        self.population.template(person, PROBE_PICTURE)
    }

    /// Searches for everybody.
    pub(super) async fn measure(&self) -> anyhow::Result<Searched> {
        let probes: Vec<Template> = self
            .people
            .iter()
            .map(|person| self.probe(*person))
            .collect();
        for probe in probes.iter().take(20) {
            self.find(probe).await?;
        }
        let (mut times, mut found, mut agreeing) = (Vec::new(), 0, 0);
        let exact_probes = self.exact_probes.min(probes.len());
        for (index, (person, probe)) in self.people.iter().zip(&probes).enumerate() {
            let started = Instant::now();
            let matches = self.find(probe).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            let first = matches.nearest.first().map(similarity);
            // Half precision moves a similarity a little.
            let own = self
                .population
                .template(*person, 0)
                .similarity(probe)
                .unwrap_or(1.0)
                - 1e-3;
            found += usize::from(first.is_some_and(|first| first >= own));
            if index < exact_probes {
                let exact = self.ask(probe, true).await?;
                agreeing += usize::from(exact.nearest.first().map(similarity) == first);
            }
        }
        let per_second_1_client = times.len() as f64 / (times.iter().sum::<f64>() / 1e3);
        Ok(Searched {
            recall_at_rank_1: found as f64 / probes.len() as f64,
            probes: probes.len(),
            exact_probes,
            agreement_with_exact: agreeing as f64 / exact_probes.max(1) as f64,
            latency: Latency::of(times),
            per_second_1_client,
            per_second_8_clients: self.throughput(&probes).await?,
        })
    }

    /// Searches a second with several clients, each of which searches for the same people.
    async fn throughput(&self, probes: &[Template]) -> anyhow::Result<f64> {
        let probes = &probes[..probes.len().min(SEARCHES_PER_CLIENT)];
        let client = |offset: usize| async move {
            for index in 0..probes.len() {
                self.find(&probes[(index + offset) % probes.len()]).await?;
            }
            Ok::<_, StoreError>(())
        };
        let started = Instant::now();
        let offsets = (0..CLIENTS).map(|index| index * probes.len() / CLIENTS);
        try_join_all(offsets.map(client)).await?;
        Ok((CLIENTS * probes.len()) as f64 / started.elapsed().as_secs_f64())
    }
}

fn similarity(nearest: &Nearest) -> f32 {
    nearest.similarity
}
