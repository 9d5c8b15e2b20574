//! `likeness bench`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::print;
use crate::assets::Assets;
use crate::bench;
use crate::config::Config;
use crate::startup::search_settings;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Searches of large watchlists: recall, times, memory and disk, on people who do not exist.
    ///
    /// Runs on a scratch database of its own, which is gone afterwards.
    Search(SearchArgs),
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

/// Measures, and prints a table.
///
/// # Errors
/// Where the scratch database fails, or the file cannot be written.
pub(super) fn run(command: &BenchCommand, config: Config) -> anyhow::Result<ExitCode> {
    let BenchCommand::Search(args) = command;
    let program = Assets::open(&config.assets)?.ensure_postgres()?;
    let options = bench::SearchOptions {
        sizes: args.sizes.clone(),
        probes: args.probes.max(1),
        exact_probes: args.exact_probes,
        churn: args.churn.clamp(0.0, 0.9),
        settings: search_settings(&config),
        requests: args
            .image
            .as_deref()
            .map(|image| bench::RequestOptions::new(config, image))
            .transpose()?,
    };
    let bar =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{elapsed} {msg}")?);
    let runtime = tokio::runtime::Runtime::new()?;
    let progress = |happening: &str| {
        bar.set_message(happening.to_owned());
        bar.tick();
    };
    let report = runtime.block_on(bench::search(&options, &program, progress))?;
    bar.finish_and_clear();
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&report)?;
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    print(report.to_string().trim_end())?;
    Ok(ExitCode::SUCCESS)
}
