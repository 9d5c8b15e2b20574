//! `likeness eval`: how accurate faces are compared, how well their quality is told, and how well attacks are.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Config;
use crate::domain::embedder::Embedder;
use crate::eval;
use crate::startup::{inference_files, worker_count};
use crate::vision::{ImageLimits, ModelFiles, OnnxBackend, Runtime};

/// What `eval` takes.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Folder with a dataset in the layout of Labeled Faces in the Wild.
    #[arg(long, required_unless_present = "pad")]
    pub dataset: Option<PathBuf>,
    /// Folder with a folder `live` of live faces and one of each kind of attack: tells how well liveness tells them apart.
    #[arg(long, conflicts_with_all = ["dataset", "det", "calibrate", "spectrum", "quality", "embedders"])]
    pub pad: Option<PathBuf>,
    /// Tell how well the quality score of pictures tells which comparisons go wrong.
    #[arg(long)]
    pub quality: bool,
    /// Write the points of the DET curve (FMR against FNMR) to this CSV file.
    #[arg(long)]
    pub det: Option<PathBuf>,
    /// Write the calibration of the embedder (score to FMR) to this file.
    #[arg(long)]
    pub calibrate: Option<PathBuf>,
    /// Write how templates spread between and within people (for `bench search`) to this file.
    #[arg(long)]
    pub spectrum: Option<PathBuf>,
    /// Compare ways to make templates, and find how much each of two networks is to count.
    #[arg(long, conflicts_with_all = ["det", "calibrate", "spectrum", "quality"])]
    pub embedders: bool,
    /// Faces analysed at once; 0 takes one a core.
    #[arg(long, default_value_t = 0)]
    pub jobs: usize,
}

/// Prints the report that is asked for.
pub(super) fn run(args: EvalArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let files = inference_files(&config.assets, config.inference.clone())?;
    let runtime = Runtime::load(&files.runtime_library)?;
    let models = ModelFiles::in_dir(&files.models);
    let jobs = worker_count(args.jobs);
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} pictures, {eta} left",
    )?);
    let limits = ImageLimits::default();
    let embedder = config.load.embedder;
    let make_backend = || OnnxBackend::load(runtime, &models, embedder, limits);
    let progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let report = if let Some(folder) = &args.pad {
        eval::pad::run(folder, jobs, make_backend, progress)?.to_string()
    } else if args.embedders {
        let make_backend = || OnnxBackend::load_for_parts(runtime, &models, limits);
        eval::embedders::run(&options(args, embedder, jobs), make_backend, progress)?.to_string()
    } else {
        eval::run(&options(args, embedder, jobs), make_backend, progress)?.to_string()
    };
    bar.finish_and_clear();
    super::print(&report)?;
    Ok(ExitCode::SUCCESS)
}

fn options(args: EvalArgs, embedder: Embedder, jobs: usize) -> eval::Options {
    eval::Options {
        dataset: args.dataset.unwrap_or_default(),
        embedder,
        output: args.det,
        calibrate: args.calibrate,
        spectrum: args.spectrum,
        quality: args.quality,
        jobs,
    }
}
