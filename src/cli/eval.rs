//! `likeness eval`: how accurate faces are compared, how well their quality is told, and how well attacks are.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::assets::{Assets, sha256_of};
use crate::config::Config;
use crate::domain::chosen::Chosen;
use crate::domain::embedder::Embedder;
use crate::eval;
use crate::startup::{ensure_shipped, inference_files, worker_count};
use crate::vision::{Graphs, ImageLimits, ModelFiles, OnnxBackend, Runtime};

/// What `eval` takes.
#[derive(Debug, Default, Args)]
pub struct EvalArgs {
    /// Folder with a dataset in the layout of Labeled Faces in the Wild.
    #[arg(long, required_unless_present_any = ["pad", "scores"])]
    pub dataset: Option<PathBuf>,
    /// Report again on scores that `--save-scores` kept, without a dataset or a model.
    #[arg(long, conflicts_with_all = ["dataset", "pad"])]
    pub scores: Option<PathBuf>,
    /// Folder with a folder `live` of live faces and one of each kind of attack: tells how well liveness tells them apart.
    #[arg(long, conflicts_with_all = ["dataset", "det", "calibrate", "spectrum", "quality", "embedders", "report", "save_scores"])]
    pub pad: Option<PathBuf>,
    /// Tell how well the quality score of pictures tells which comparisons go wrong.
    #[arg(long)]
    pub quality: bool,
    /// Write the report as a page with figures, one HTML file that needs nothing else, to this file.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Write all scores to this file. It tells who resembles whom: keep it like the dataset.
    #[arg(long, conflicts_with = "scores")]
    pub save_scores: Option<PathBuf>,
    /// Write the points of the DET curve (FMR against FNMR) to this CSV file.
    #[arg(long)]
    pub det: Option<PathBuf>,
    /// Write the calibration of the embedder (score to FMR) to this file.
    #[arg(long)]
    pub calibrate: Option<PathBuf>,
    /// Write how templates spread between and within people (for `bench search`) to this file.
    #[arg(long, conflicts_with = "scores")]
    pub spectrum: Option<PathBuf>,
    /// Compare ways to make templates, and find how much each of two networks is to count.
    #[arg(long, conflicts_with_all = ["scores", "det", "calibrate", "spectrum", "quality", "report", "save_scores"])]
    pub embedders: bool,
    /// Faces analysed at once; 0 takes one a core.
    #[arg(long, default_value_t = 0)]
    pub jobs: usize,
}

/// Prints the report that is asked for.
pub(super) fn run(args: EvalArgs, config: &Config) -> anyhow::Result<ExitCode> {
    if let Some(scores) = args.scores.clone() {
        let report = eval::rerun(&scores, &outputs(args))?;
        super::print(&report.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = measure(args, config.load.embedder, config)?;
    super::print(&report)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the calibration of an embedder, and prints how accurate it is.
pub(super) fn calibrate(
    dataset: PathBuf,
    jobs: usize,
    calibration: PathBuf,
    embedder: Embedder,
    config: &Config,
) -> anyhow::Result<()> {
    let args = EvalArgs {
        dataset: Some(dataset),
        calibrate: Some(calibration),
        jobs,
        ..EvalArgs::default()
    };
    super::print(&measure(args, embedder, config)?)
}

fn measure(args: EvalArgs, embedder: Embedder, config: &Config) -> anyhow::Result<String> {
    if args.embedders {
        ensure_shipped(&Assets::open(&config.assets)?)?;
    }
    let files = inference_files(&config.assets, config.inference.clone(), embedder)?;
    let runtime = Runtime::load(&files.runtime_library)?;
    let models = ModelFiles::in_dir(&files.models);
    let jobs = worker_count(args.jobs);
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} pictures, {eta} left",
    )?);
    let limits = ImageLimits::default();
    let detector = config.load.detector;
    let chosen = Chosen { detector, embedder };
    let make_backend = || OnnxBackend::load(runtime, &models, chosen, limits);
    let progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let report = if let Some(folder) = &args.pad {
        eval::pad::run(folder, jobs, make_backend, progress)?.to_string()
    } else if args.embedders {
        let make_backend = || {
            let graphs = Graphs::Rewritten;
            OnnxBackend::load_for_parts(graphs, runtime, &models, detector, limits)
        };
        eval::embedders::run(&options(args, jobs), make_backend, progress)?.to_string()
    } else {
        let hashes = hashes(&models, chosen)?;
        eval::run(&options(args, jobs), hashes, make_backend, progress)?.to_string()
    };
    bar.finish_and_clear();
    Ok(report)
}

fn options(args: EvalArgs, jobs: usize) -> eval::Options {
    eval::Options {
        dataset: args.dataset.clone().unwrap_or_default(),
        spectrum: args.spectrum.clone(),
        outputs: outputs(args),
        jobs,
    }
}

fn outputs(args: EvalArgs) -> eval::Outputs {
    eval::Outputs {
        scores: args.save_scores,
        det: args.det,
        calibration: args.calibrate,
        page: args.report,
        quality: args.quality,
    }
}

/// The models that a template rests on.
fn hashes(models: &ModelFiles, chosen: Chosen) -> anyhow::Result<eval::Models> {
    let hash = |path: &PathBuf| -> anyhow::Result<eval::ModelHash> {
        let name = path.file_name().unwrap_or_default();
        Ok(eval::ModelHash {
            file: name.to_string_lossy().into_owned(),
            sha256: sha256_of(path).with_context(|| format!("cannot read {}", path.display()))?,
        })
    };
    let paths = models.of_templates(chosen);
    let files = paths.iter().map(hash);
    Ok(eval::Models {
        embedder: chosen.embedder.id().to_owned(),
        files: files.collect::<anyhow::Result<_>>()?,
    })
}
