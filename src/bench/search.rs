//! `bench search`: galleries of people who do not exist, in a scratch database that goes with the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::curve;
use super::database;
use super::load;
use super::measure::Searching;
use super::report::{GalleryReport, Latency, Measured, SearchReport};
use super::request::RequestOptions;
use super::synthetic::Population;
use crate::assets::PostgresProgram;
use crate::domain::embedder::Embedder;
use crate::domain::ids::TenantId;
use crate::gallery::GalleryKey;
use crate::store::{SearchSettings, Store};

const CONNECTIONS: u32 = 10;
/// Another tenant's faces, whose searches must not feel the gallery beside them.
const NEIGHBOUR_FACES: u64 = 1_000;
const NEIGHBOUR_SEARCHES: u64 = 1_000;
/// How often is looked whether codes are in memory.
const POLL: Duration = Duration::from_millis(5);

/// What to measure.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// Faces in each gallery, one gallery after the other.
    pub sizes: Vec<u64>,
    /// People of a gallery that are searched for, by another of their pictures.
    pub probes: u64,
    /// Of these, how many answers are compared with those of comparing every face.
    pub exact_probes: usize,
    /// Share of the gallery that is deleted and enrolled anew, with vacuum running, before it is measured again.
    pub churn: f64,
    /// Whose templates the people's are like.
    pub embedder: Embedder,
    /// How searches are made.
    pub settings: SearchSettings,
    /// Also measured: a picture is sent to the whole service, which searches the gallery for whom it shows.
    pub requests: Option<RequestOptions>,
}

/// Measures searches of galleries of several sizes. `progress` is told what happens.
///
/// # Errors
/// Where the scratch database fails.
pub async fn search(
    options: &SearchOptions,
    program: &PostgresProgram,
    progress: impl Fn(&str) + Sync,
) -> anyhow::Result<SearchReport> {
    let population = Arc::new(Population::of(options.embedder)?);
    let mut galleries = Vec::new();
    for &size in &options.sizes {
        let server = database::start(program).await?;
        let scratch = Scratch {
            url: server.url().clone(),
            options,
            population: Arc::clone(&population),
            size,
        };
        galleries.push(scratch.measure(&progress).await?);
        database::stop(server).await?;
    }
    Ok(SearchReport {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        candidates: options.settings.candidates,
        galleries,
    })
}

/// A database for one gallery.
struct Scratch<'a> {
    url: SecretString,
    options: &'a SearchOptions,
    population: Arc<Population>,
    size: u64,
}

impl Scratch<'_> {
    async fn measure(&self, progress: &(impl Fn(&str) + Sync)) -> anyhow::Result<GalleryReport> {
        let store = self.connect().await?;
        store
            .register_model(self.population.model_id(), self.population.dimensions())
            .await?;
        let neighbour = self
            .searching(&store, "neighbour", NEIGHBOUR_FACES, progress)
            .await?;
        let neighbour_before = neighbours_p95(&neighbour).await?;

        let started = Instant::now();
        let searching = self.searching(&store, "bench", self.size, progress).await?;
        let load_seconds = started.elapsed().as_secs_f64();
        store.close().await;
        drop(store);

        let (searching, loaded) = self.measure_restarted(searching, progress).await?;
        let codes = searching.store.galleries().find(&self.key(&searching));
        let recall_by_picks = codes.map(|codes| curve::measure(&searching, &codes));
        let neighbour = neighbour.by(searching.store.clone());
        let neighbour_after = neighbours_p95(&neighbour).await?;
        drop(neighbour);
        let requests = match &self.options.requests {
            Some(requests) => {
                progress("whole requests");
                Some(
                    requests
                        .measure(&self.url, &searching.tenant, searching.list)
                        .await?,
                )
            }
            None => None,
        };
        Ok(GalleryReport {
            size: self.size,
            method: if self.is_large()? {
                "coarse_rerank"
            } else {
                "exact"
            },
            load_seconds,
            loaded,
            recall_by_picks: recall_by_picks.unwrap_or_default(),
            requests,
            after_churn: self.after_churn(searching, progress).await?,
            neighbour_before_p95_ms: neighbour_before,
            neighbour_after_p95_ms: neighbour_after,
        })
    }

    fn is_large(&self) -> anyhow::Result<bool> {
        Ok(i64::try_from(self.size)? > self.options.settings.exact_limit)
    }

    /// What a service that starts anew makes of the gallery; the one before is gone by then, its codes too.
    async fn measure_restarted(
        &self,
        searching: Searching,
        progress: &(impl Fn(&str) + Sync),
    ) -> anyhow::Result<(Searching, Measured)> {
        progress("a service starts");
        let store = self.connect().await?;
        let searching = searching.by(store.clone());
        let started = Instant::now();
        // Comparing many millions of faces takes longer than a statement may.
        let first_answer = searching.find(&searching.probe(searching.people[0])).await;
        let first_answer_seconds = first_answer.map(|_| started.elapsed().as_secs_f64()).ok();
        let (started, resident) = (Instant::now(), resident_mb());
        if self.is_large()? {
            // The first search has begun it in the background, as in a service.
            while store.galleries().find(&self.key(&searching)).is_none() {
                tokio::time::sleep(POLL).await;
            }
        }
        let take_in_seconds = started.elapsed().as_secs_f64();
        let resident_mb = resident_mb() - resident;
        progress("searching");
        let measured = Measured {
            first_answer_seconds,
            take_in_seconds,
            code_bytes_per_face: store.galleries().bytes() as f64 / self.size as f64,
            resident_mb,
            disk_mb: self.disk_mb().await?,
            searched: searching.measure().await?,
        };
        Ok((searching, measured))
    }

    async fn connect(&self) -> anyhow::Result<Store> {
        let store = Store::connect(&self.url, CONNECTIONS).await?;
        Ok(store.with_search(self.options.settings))
    }

    /// Loads a gallery for a tenant, to be searched for some of its people.
    async fn searching(
        &self,
        store: &Store,
        tenant: &str,
        size: u64,
        progress: &(impl Fn(&str) + Sync),
    ) -> anyhow::Result<Searching> {
        let tenant = TenantId::parse(tenant)?;
        let done = AtomicU64::new(0);
        let loaded = |count| {
            let done = done.fetch_add(count, Ordering::Relaxed) + count;
            progress(&format!("{done} of {size} faces loaded"));
        };
        let list =
            load::gallery(&self.url, store, &tenant, &self.population, size, &loaded).await?;
        let step = (size / self.options.probes).max(1);
        Ok(Searching {
            store: store.clone(),
            tenant,
            list,
            population: Arc::clone(&self.population),
            people: (0..size)
                .step_by(usize::try_from(step)?)
                .take(usize::try_from(self.options.probes)?)
                .collect(),
            exact_probes: self.options.exact_probes,
        })
    }

    fn key(&self, searching: &Searching) -> GalleryKey {
        GalleryKey {
            tenant: searching.tenant.clone(),
            watchlist_id: searching.list,
            model_id: self.population.model_id().to_owned(),
        }
    }

    async fn disk_mb(&self) -> anyhow::Result<f64> {
        let bytes: i64 = sqlx::query_scalar(
            "select sum(pg_total_relation_size(name::regclass))::bigint \
             from unnest(array['faces', 'subjects', 'galleries', 'gallery_changes']) as name",
        )
        .fetch_one(&mut load::owner(&self.url).await?)
        .await?;
        Ok(bytes as f64 / 1e6)
    }

    /// Deletes a share of the subjects, the latest, and enrols as many others, vacuum running all the time. Then all is
    /// measured again.
    async fn after_churn(
        &self,
        mut searching: Searching,
        progress: &(impl Fn(&str) + Sync),
    ) -> anyhow::Result<Option<Measured>> {
        let replaced = (self.size as f64 * self.options.churn) as u64;
        if replaced == 0 {
            return Ok(None);
        }
        let mut owner = load::owner(&self.url).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let vacuuming = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                sqlx::raw_sql("vacuum faces, subjects")
                    .execute(&mut owner)
                    .await?;
            }
            Ok::<_, sqlx::Error>(())
        });
        // The latest, so that the first of those who are searched for stay.
        let kept = self.size - replaced;
        for done in (0..replaced).step_by(usize::try_from(load::CHUNK)?) {
            let doomed = kept + done..(kept + done + load::CHUNK).min(self.size);
            let (tenant, list) = (&searching.tenant, searching.list);
            let newcomers = self.size + done;
            load::replace(&self.url, tenant, list, &self.population, doomed, newcomers).await?;
            // As in a service that is searched meanwhile.
            searching.store.take_in(&self.key(&searching)).await?;
            progress(&format!("{done} of {replaced} faces replaced"));
        }
        stop.store(true, Ordering::Relaxed);
        vacuuming.await??;
        let churned = searching
            .people
            .split_off(searching.people.partition_point(|person| *person < kept));
        // In their places, as many of those who came.
        searching
            .people
            .extend(churned.iter().map(|person| person + replaced));
        searching.store.close().await;
        let (_, measured) = self.measure_restarted(searching, progress).await?;
        Ok(Some(measured))
    }
}

async fn neighbours_p95(neighbour: &Searching) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for round in 0..NEIGHBOUR_SEARCHES {
        let probe = neighbour.probe(round % NEIGHBOUR_FACES);
        let started = Instant::now();
        neighbour.find(&probe).await?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    // The first ones fill caches.
    Ok(Latency::of(times.split_off(times.len() / 10)).p95_ms)
}

/// Memory that the process holds, where the system tells.
fn resident_mb() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(0.0) * 4096.0 / 1e6
}
