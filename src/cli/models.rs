//! `likeness models`: which there are, and embedders of the user's own.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::eval;
use crate::config::Config;
use crate::domain::embedder::ChannelOrder;
use crate::models::{NewModel, OwnModels, add};
use crate::startup::{inference_files, known_models};
use crate::vision::{ModelFiles, Runtime};

/// What `models` does.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Show every model: what it does, its licence, where it comes from, its hash.
    List,
    /// Add an embedder of your own: an ONNX file that takes one aligned face, as ArcFace and AdaFace do.
    Add(AddArgs),
    /// Measure how the similarities of an embedder that was added become error rates, on a dataset as `eval` takes it.
    Calibrate(CalibrateArgs),
}

/// What `models add` takes.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// By which LIKENESS_EMBEDDER chooses it: small letters, digits, - and _.
    pub name: String,
    /// The file.
    #[arg(long)]
    pub onnx: PathBuf,
    /// The licence that you use it under.
    #[arg(long)]
    pub licence: String,
    /// Where it comes from.
    #[arg(long)]
    pub origin: String,
    /// In which order it takes colours.
    #[arg(long, value_enum, default_value_t = Channels::Rgb)]
    pub channels: Channels,
    /// Taken off each value from 0 to 255.
    #[arg(long, default_value_t = 127.5)]
    pub mean: f32,
    /// What is left is multiplied by it.
    #[arg(long, default_value_t = 1.0 / 127.5)]
    pub scale: f32,
    /// The output that is the template, where it has several.
    #[arg(long)]
    pub output: Option<String>,
    /// Have the mirror image of a face count as much as the face: twice the time, and a little better.
    #[arg(long)]
    pub mirror: bool,
}

/// In which order colours come.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// What `models calibrate` takes.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// The embedder.
    pub name: String,
    /// Folder with a dataset in the layout of Labeled Faces in the Wild.
    #[arg(long)]
    pub dataset: PathBuf,
    /// Faces analysed at once; 0 takes one a core.
    #[arg(long, default_value_t = 0)]
    pub jobs: usize,
}

pub(super) fn run(command: ModelsCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let own = OwnModels::of_home(&config.home);
    match command {
        ModelsCommand::List => list(config)?,
        ModelsCommand::Add(args) => {
            let files = inference_files(&config.assets, config.inference.clone())?;
            let runtime = Runtime::load(&files.runtime_library)?;
            let added = add(
                &own,
                &args.into(),
                runtime,
                &ModelFiles::in_dir(&files.models),
            )?;
            super::print(&format!(
                "{} is added, with templates of {} values. Before it can be at work:\n\n  \
                 likeness models calibrate {} --dataset DIR",
                added.id, added.dimensions, added.name
            ))?;
        }
        ModelsCommand::Calibrate(args) => {
            let embedder = own.uncalibrated(&args.name)?;
            let calibration = own.calibration_file(&args.name);
            eval::calibrate(args.dataset, args.jobs, calibration, embedder, config)?;
            super::print(&format!(
                "\n{} is calibrated. To have it at work:\n\n  LIKENESS_EMBEDDER={}",
                embedder.id(),
                embedder.name()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(config: &Config) -> anyhow::Result<()> {
    for model in known_models(config)? {
        let state = match (model.at_work, model.calibrated) {
            (true, _) => "at work",
            (false, Some(false)) => "not calibrated",
            (false, _) => "not at work",
        };
        super::print(&format!(
            "{:16} {state:14} {:23} {}\n{:16} {}\n{:16} sha256 {}",
            model.name, model.licence, model.origin, "", model.role, "", model.sha256
        ))?;
    }
    Ok(())
}

impl From<AddArgs> for NewModel {
    fn from(args: AddArgs) -> Self {
        Self {
            name: args.name,
            file: args.onnx,
            licence: args.licence,
            origin: args.origin,
            channels: match args.channels {
                Channels::Rgb => ChannelOrder::Rgb,
                Channels::Bgr => ChannelOrder::Bgr,
            },
            mean: args.mean,
            scale: args.scale,
            output: args.output,
            mirror: args.mirror,
        }
    }
}
