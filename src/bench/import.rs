//! `bench import`: a folder of pictures is enrolled, as `likeness import` does, beside what the models alone take for it.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, RequestBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::database;
use super::service::Service;
use crate::assets::{InferenceFiles, PostgresProgram};
use crate::config::{Config, Load};
use crate::domain::ids::TenantId;
use crate::imports::folder::{self, Entry};
use crate::startup::{load_backends, worker_count};
use crate::verify::ENROLMENT;
use crate::vision::{FaceBackend as _, ImageLimits, OnnxBackend};

/// How often is asked how far the job is.
const POLL: Duration = Duration::from_millis(200);

/// What to measure.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Of the service, all that `Service::start` does not set itself.
    pub config: Config,
    /// Folder of pictures.
    pub dir: PathBuf,
}

/// What `bench import` found.
#[derive(Debug, Clone, Serialize)]
pub struct ImportReport {
    /// Threads that run models, in the service and by themselves.
    pub workers: usize,
    /// Pictures.
    pub pictures: u64,
    /// Pictures that could not be enrolled, for want of one good face mostly.
    pub refused: u64,
    /// Pictures a second where nothing but the models costs time, before the import and after it.
    pub models_per_second: [f64; 2],
    /// Pictures a second that are decoded and analysed, before and after.
    pub analysed_per_second: [f64; 2],
    /// Rows of the import a second, from the answer that there is a job to its end.
    pub imported_per_second: f64,
    /// The import's rate as a part of the models'.
    pub share_of_models: f64,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workers,
            pictures,
            refused,
            models_per_second: [models, models_after],
            analysed_per_second: [analysed, analysed_after],
            imported_per_second,
            share_of_models,
        } = self;
        writeln!(
            f,
            "{pictures} pictures, {refused} refused, {workers} workers"
        )?;
        writeln!(
            f,
            "models alone      {models:7.1} and {models_after:.1} a second"
        )?;
        writeln!(
            f,
            "decode and models {analysed:7.1} and {analysed_after:.1} a second"
        )?;
        writeln!(
            f,
            "import            {imported_per_second:7.1} a second: {:.1} % of what the models allow",
            share_of_models * 100.0
        )
    }
}

/// Measures the import of a folder. `progress` is told what happens.
///
/// # Errors
/// Where the scratch database or the service fails.
pub async fn import(
    options: &ImportOptions,
    program: &PostgresProgram,
    files: &InferenceFiles,
    progress: impl Fn(&str),
) -> anyhow::Result<ImportReport> {
    let entries = folder::files(&options.dir)?;
    ensure!(
        !entries.is_empty(),
        "{} holds no files",
        options.dir.display()
    );
    let workers = worker_count(options.config.load.workers);
    progress("the models alone");
    let before = alone(files, &entries, &options.config.load).await?;
    progress("the import");
    let job = imported(options, program, entries.clone()).await?;
    progress("the models alone, again");
    let after = alone(files, &entries, &options.config.load).await?;
    let imported_per_second = job.total as f64 / job.seconds;
    Ok(ImportReport {
        workers,
        pictures: job.total,
        refused: job.failed,
        models_per_second: [before.models, after.models],
        analysed_per_second: [before.analysed, after.analysed],
        imported_per_second,
        share_of_models: imported_per_second / f64::midpoint(before.models, after.models),
    })
}

/// Pictures a second without a service.
struct Alone {
    models: f64,
    analysed: f64,
}

async fn alone(files: &InferenceFiles, entries: &[Entry], load: &Load) -> anyhow::Result<Alone> {
    let (files, entries, chosen) = (files.clone(), entries.to_vec(), load.chosen());
    let workers = worker_count(load.workers);
    let measured = tokio::task::spawn_blocking(move || {
        let backends = load_backends(&files, workers, chosen, ImageLimits::default())?;
        let pictures: Vec<Vec<u8>> = entries
            .iter()
            .map(|entry| fs::read(&entry.path))
            .collect::<Result<_, _>>()?;
        analyse(backends, &pictures)
    });
    measured.await.context("measuring the models panicked")?
}

fn analyse(backends: Vec<OnnxBackend>, pictures: &[Vec<u8>]) -> anyhow::Result<Alone> {
    let workers = backends.len();
    let next = AtomicUsize::new(0);
    let work = |mut backend: OnnxBackend| {
        let mut in_models = Duration::ZERO;
        while let Some(picture) = pictures.get(next.fetch_add(1, Ordering::Relaxed)) {
            // What is no picture is refused by the import as well.
            if let Ok(analysis) = backend.analyse(picture, &ENROLMENT) {
                in_models += analysis.timings.models;
            }
        }
        in_models
    };
    let started = Instant::now();
    let in_models = thread::scope(|scope| {
        let threads: Vec<_> = backends
            .into_iter()
            .map(|backend| scope.spawn(|| work(backend)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join())
            .sum::<Result<Duration, _>>()
    });
    let in_models = in_models.map_err(|_| anyhow::anyhow!("a model panicked"))?;
    let count = pictures.len() as f64;
    Ok(Alone {
        models: count * workers as f64 / in_models.as_secs_f64(),
        analysed: count / started.elapsed().as_secs_f64(),
    })
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Job {
    id: String,
    state: String,
    total: u64,
    failed: u64,
    #[serde(skip)]
    seconds: f64,
}

/// Has a service of its own import the files.
async fn imported(
    options: &ImportOptions,
    program: &PostgresProgram,
    entries: Vec<Entry>,
) -> anyhow::Result<Job> {
    let server = database::start(program).await?;
    let tenant = TenantId::parse("bench")?;
    let service = Service::start(&options.config, server.url(), &tenant).await?;
    let job = follow(&service, entries).await;
    service.stop().await?;
    database::stop(server).await?;
    job
}

/// Sends the files, and waits for the end of the job that the service makes of them.
async fn follow(service: &Service, entries: Vec<Entry>) -> anyhow::Result<Job> {
    let client = Client::new();
    let lists = client.post(service.url("/v1/watchlists"));
    let list: Made = ask(service, lists.json(&json!({"name": "bench"}))).await?;
    let archive = Body::wrap_stream(folder::as_zip(entries, |_| ()));
    let archive = Part::stream(archive).file_name("folder.zip");
    let imports = client.post(service.url(&format!("/v1/watchlists/{}/imports", list.id)));
    let form = Form::new().part("archive", archive);
    let mut job: Job = ask(service, imports.multipart(form)).await?;
    let started = Instant::now();
    while ["queued", "running"].contains(&job.state.as_str()) {
        tokio::time::sleep(POLL).await;
        job = ask(
            service,
            client.get(service.url(&format!("/v1/jobs/{}", job.id))),
        )
        .await?;
    }
    ensure!(job.state == "succeeded", "the import {}", job.state);
    job.seconds = started.elapsed().as_secs_f64();
    Ok(job)
}

async fn ask<A: DeserializeOwned>(service: &Service, request: RequestBuilder) -> anyhow::Result<A> {
    let answer = request.bearer_auth(&service.token).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}
