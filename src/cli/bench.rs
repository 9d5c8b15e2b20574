//! `likeness bench`.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::print;
use crate::assets::Assets;
use crate::bench;
use crate::config::Config;
use crate::startup::{inference_files, search_settings};

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Searches of large watchlists: recall, times, memory and disk, on people who do not exist.
    ///
    /// Runs on a scratch database of its own, which is gone afterwards.
    Search(SearchArgs),
    /// Identity checks over HTTP: latency and throughput by the size of the pictures and the number of clients, beside
    /// what the models alone take.
    ///
    /// Runs a service of its own on a scratch database, which is gone afterwards.
    Verify(VerifyArgs),
    /// The import of a folder of pictures, beside what the models alone take for them.
    ///
    /// Runs a service of its own on a scratch database, which is gone afterwards.
    Import(ImportArgs),
}

/// What `bench search` takes.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Faces in the list; may be given several times.
    #[arg(long = "size", default_value = "100000")]
    sizes: Vec<u64>,
    /// People who are searched for.
    #[arg(long, default_value_t = 1000)]
    probes: u64,
    /// Of these, how many answers are compared with those of comparing every face.
    #[arg(long, default_value_t = 100)]
    exact_probes: usize,
    /// Share of the faces that is deleted and enrolled anew, with vacuum running, before all is measured again.
    #[arg(long, default_value_t = 0.0)]
    churn: f64,
    /// Also time whole requests of the service with this picture, brought to 1920 x 1080 pixels.
    #[arg(long)]
    image: Option<PathBuf>,
    /// Write the figures to this file as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `bench verify` takes.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A selfie that shows one face; it is brought to 0.3, 2 and 12 megapixels.
    #[arg(long)]
    image: PathBuf,
    /// A document with a portrait; it is brought to the same sizes.
    #[arg(long)]
    document: PathBuf,
    /// Checks for each size and number of clients.
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// Faces on a watchlist that every check searches, of people who do not exist; 0 for none.
    #[arg(long, default_value_t = 10_000)]
    watchlist: u64,
    /// Write the figures to this file as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `bench import` takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Folder with pictures: person/picture.jpg, or person.jpg.
    dir: PathBuf,
    /// Write the figures to this file as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Measures, and prints a table.
///
/// # Errors
/// Where the scratch database fails, or the file cannot be written.
pub(super) fn run(command: &BenchCommand, config: Config) -> anyhow::Result<ExitCode> {
    let bar =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{elapsed} {msg}")?);
    let progress = |happening: &str| {
        bar.set_message(happening.to_owned());
        bar.tick();
    };
    let (report, json) = match command {
        BenchCommand::Search(args) => {
            let report = search(args, config, progress)?;
            (printed(&report)?, &args.json)
        }
        BenchCommand::Verify(args) => {
            let report = verify(args, config, progress)?;
            (printed(&report)?, &args.json)
        }
        BenchCommand::Import(args) => {
            let report = import(args, config, progress)?;
            (printed(&report)?, &args.json)
        }
    };
    bar.finish_and_clear();
    let (table, figures) = report;
    if let Some(path) = json {
        fs::write(path, figures).with_context(|| format!("cannot write {}", path.display()))?;
    }
    print(table.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// A report as a table and as JSON.
fn printed(report: &(impl Display + Serialize)) -> anyhow::Result<(String, String)> {
    Ok((report.to_string(), serde_json::to_string_pretty(report)?))
}

fn search(
    args: &SearchArgs,
    config: Config,
    progress: impl Fn(&str) + Sync,
) -> anyhow::Result<bench::SearchReport> {
    let program = Assets::open(&config.assets)?.ensure_postgres()?;
    let options = bench::SearchOptions {
        sizes: args.sizes.clone(),
        probes: args.probes.max(1),
        exact_probes: args.exact_probes,
        churn: args.churn.clamp(0.0, 0.9),
        embedder: config.load.embedder,
        settings: search_settings(&config),
        requests: args
            .image
            .as_deref()
            .map(|image| bench::RequestOptions::new(config, image))
            .transpose()?,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(bench::search(&options, &program, progress))
}

fn verify(
    args: &VerifyArgs,
    config: Config,
    progress: impl Fn(&str) + Sync,
) -> anyhow::Result<bench::VerifyReport> {
    let program = Assets::open(&config.assets)?.ensure_postgres()?;
    let (inference, embedder) = (config.inference.clone(), config.load.embedder);
    let files = inference_files(&config.assets, inference, embedder)?;
    let options = bench::VerifyOptions {
        config,
        image: args.image.clone(),
        document: args.document.clone(),
        requests: args.requests.max(1),
        watchlist: args.watchlist,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(bench::verify(&options, &program, &files, progress))
}

fn import(
    args: &ImportArgs,
    config: Config,
    progress: impl Fn(&str),
) -> anyhow::Result<bench::ImportReport> {
    let program = Assets::open(&config.assets)?.ensure_postgres()?;
    let (inference, embedder) = (config.inference.clone(), config.load.embedder);
    let files = inference_files(&config.assets, inference, embedder)?;
    let options = bench::ImportOptions {
        config,
        dir: args.dir.clone(),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(bench::import(&options, &program, &files, progress))
}
