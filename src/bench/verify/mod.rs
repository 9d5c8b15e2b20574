//! `bench verify`: identity checks over HTTP against the whole service, by the size of the pictures and the number of
//! clients, beside what the models alone take.

mod clients;
mod inference;
mod pictures;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::SecretString;

pub use pictures::jpeg_of;
pub use report::VerifyReport;

use self::clients::Clients;
use self::pictures::{Pair, Sources};
use self::report::{Inference, LoadReport, PairReport};
use super::service::Service;
use super::synthetic::Population;
use super::{database, load};
use crate::assets::{InferenceFiles, PostgresProgram};
use crate::config::Config;
use crate::domain::ids::{TenantId, WatchlistId};
use crate::startup::{search_settings, worker_count};
use crate::store::Store;

/// Sizes of the pictures.
pub const MEGAPIXELS: [f64; 3] = [0.3, 2.0, 12.0];
/// How many clients send requests, each the next one when it has its answer.
const CLIENTS: [usize; 4] = [1, 2, 4, 16];
const CONNECTIONS: u32 = 10;

/// What to measure.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Of the service, all that `Service::start` does not set itself.
    pub config: Config,
    /// A selfie that shows one face.
    pub image: PathBuf,
    /// A document with a portrait.
    pub document: PathBuf,
    /// Checks for each size and number of clients.
    pub requests: usize,
    /// Faces on the watchlist that every check searches; 0 for none.
    pub watchlist: u64,
}

/// Measures identity checks. `progress` is told what happens.
///
/// # Errors
/// Where the scratch database or the service fails, or a picture cannot be checked.
pub async fn verify(
    options: &VerifyOptions,
    program: &PostgresProgram,
    files: &InferenceFiles,
    progress: impl Fn(&str) + Sync,
) -> anyhow::Result<VerifyReport> {
    let sources = Sources::read(&options.image, &options.document)?;
    let server = database::start(program).await?;
    let tenant = TenantId::parse("bench")?;
    let list = watchlist(options, server.url(), &tenant, &progress).await?;
    let service = Service::start(&options.config, server.url(), &tenant).await?;
    let clients = Clients::new(&service, list);
    let mut pairs = Vec::new();
    for megapixels in MEGAPIXELS {
        progress(&format!("{megapixels} megapixels"));
        let pair = sources.at(megapixels)?;
        pairs.push(measure(options, files, &clients, pair, &progress).await?);
    }
    service.stop().await?;
    database::stop(server).await?;
    Ok(VerifyReport {
        cores: worker_count(0),
        workers: worker_count(options.config.load.workers),
        watchlist: options.watchlist,
        pairs,
    })
}

/// Measures one size of pictures: the service, and the models before it and after it, since machines are not equally fast
/// all the time.
async fn measure(
    options: &VerifyOptions,
    files: &InferenceFiles,
    clients: &Clients,
    pair: Pair,
    progress: &(impl Fn(&str) + Sync),
) -> anyhow::Result<PairReport> {
    let megapixels = pair.megapixels;
    let pair = Arc::new(pair);
    let models = async || -> anyhow::Result<Inference> {
        let (files, load, pair) = (files.clone(), options.config.load, Arc::clone(&pair));
        let measured =
            tokio::task::spawn_blocking(move || inference::measure(&files, &load, &pair));
        measured.await.context("measuring the models panicked")?
    };
    let before = models().await?;
    clients.warm_up(&pair).await?;
    let (mut loads, mut stages) = (Vec::new(), None);
    for count in CLIENTS {
        progress(&format!("{megapixels} megapixels, {count} clients"));
        let (load, times) = clients.run(&pair, count, options.requests).await?;
        stages.get_or_insert(times);
        loads.push(load);
    }
    let stages = stages.context("there is at least one number of clients")?;
    let inference = before.mean(models().await?);
    Ok(PairReport::new(&pair, inference, stages, loads))
}

/// A list of people who do not exist.
async fn watchlist(
    options: &VerifyOptions,
    url: &SecretString,
    tenant: &TenantId,
    progress: &(impl Fn(&str) + Sync),
) -> anyhow::Result<Option<WatchlistId>> {
    if options.watchlist == 0 {
        return Ok(None);
    }
    progress("a watchlist is filled");
    let population = Arc::new(Population::of(options.config.load.embedder)?);
    let store = Store::connect(url, CONNECTIONS).await?;
    let store = store.with_search(search_settings(&options.config));
    store
        .register_model(population.model_id(), population.dimensions())
        .await?;
    let size = options.watchlist;
    let list = load::gallery(url, &store, tenant, &population, size, &|_| ()).await?;
    store.close().await;
    Ok(Some(list))
}
