//! `likeness models`: which there are, and embedders and detectors of the user's own.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::eval;
use crate::config::Config;
use crate::domain::detector::DetectorManifest;
use crate::domain::embedder::Embedder;
use crate::domain::network::{ChannelOrder, Network};
use crate::models::{
    KnownModel, NewDetector, NewModel, OwnModels, PartInTemplate, add, add_detector,
};
use crate::startup::{inference_files, known_models};
use crate::vision::{ModelFiles, Runtime};

/// What `models` does.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Show every model: what it does, its licence, where it comes from, its hash.
    List,
    /// Add an embedder of your own, an ONNX file that takes one aligned face, as ArcFace and AdaFace do; or a detector that is laid
    /// out as SCRFD or YuNet.
    Add(AddArgs),
    /// Measure how the similarities of an embedder that was added become error rates, on a dataset as `eval` takes it.
    Calibrate(CalibrateArgs),
}

/// What `models add` takes.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// By which LIKENESS_EMBEDDER or LIKENESS_DETECTOR chooses it: small letters, digits, - and _.
    pub name: String,
    /// What it does.
    #[arg(long, value_enum, default_value_t = Role::Embedder)]
    pub role: Role,
    /// The file.
    #[arg(long)]
    pub onnx: PathBuf,
    /// The licence that you use it under.
    #[arg(long)]
    pub licence: String,
    /// Where it comes from.
    #[arg(long)]
    pub origin: String,
    /// In which order an embedder takes colours [default: rgb].
    #[arg(long, value_enum)]
    pub channels: Option<Channels>,
    /// What an embedder has taken off each value from 0 to 255 [default: 127.5].
    #[arg(long)]
    pub mean: Option<f32>,
    /// What is left is multiplied by it [default: 1 / 127.5].
    #[arg(long)]
    pub scale: Option<f32>,
    /// The output that is the template, where an embedder has several.
    #[arg(long)]
    pub output: Option<String>,
    /// Have the mirror image of a face count as much as the face: twice the time of an embedder, and a little better.
    #[arg(long)]
    pub mirror: bool,
    /// Confidence from which a detector's find is a face [default: 0.5].
    #[arg(long)]
    pub min_confidence: Option<f32>,
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Turns a face into a template.
    Embedder,
    /// Finds faces.
    Detector,
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
        ModelsCommand::Add(args) => super::print(&added(&own, args, config)?)?,
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

/// Adds a model, and says what is to be done with it.
fn added(own: &OwnModels, args: AddArgs, config: &Config) -> anyhow::Result<String> {
    if let Some(option) = args.of_another_role() {
        anyhow::bail!("{option} is no option of this role");
    }
    // A detector is tried together with that embedder, and an embedder alone.
    let files = inference_files(
        &config.assets,
        config.inference.clone(),
        Embedder::FrFeature,
    )?;
    let runtime = Runtime::load(&files.runtime_library)?;
    let files = ModelFiles::in_dir(&files.models);
    Ok(match args.role {
        Role::Embedder => {
            let added = add(own, &args.into(), runtime, &files)?;
            format!(
                "{} is added, with templates of {} values. Before it can be at work:\n\n  \
                 likeness models calibrate {} --dataset DIR",
                added.id, added.dimensions, added.name
            )
        }
        Role::Detector => {
            let DetectorManifest {
                id,
                layout,
                width,
                height,
                name,
                ..
            } = add_detector(own, &args.into(), runtime, &files)?;
            format!(
                "{id} is added, as {layout} for pictures of {width} x {height}. To have it at work:\n\n  \
                 LIKENESS_DETECTOR={name}"
            )
        }
    })
}

fn list(config: &Config) -> anyhow::Result<()> {
    for model in known_models(config)? {
        super::print(&told(&model))?;
    }
    Ok(())
}

fn told(model: &KnownModel) -> String {
    let is_calibrated = |part: &PartInTemplate| part.calibration.is_some();
    let state = match model.at_work {
        true => "at work",
        false if model.templates.iter().all(is_calibrated) => "not at work",
        false => "not calibrated",
    };
    let Network {
        role,
        input,
        outputs,
        ..
    } = &model.network;
    let mut lines = vec![
        format!("{state:14} {:23} {}", model.licence, model.origin),
        format!("{role}: {}", model.purpose),
        format!("takes {input}; gives {}", outputs.join(", ")),
    ];
    lines.extend(model.templates.iter().map(|part| {
        let mirrored = if part.mirror { ", mirrored too" } else { "" };
        let measured = match &part.calibration {
            Some(on) => format!("calibrated on {} people of {}", on.subjects, on.dataset),
            None => "not calibrated".to_owned(),
        };
        format!(
            "{} of the template {} ({}){mirrored}, {measured}",
            part.share, part.embedder, part.embedder_id
        )
    }));
    lines.push(format!("sha256 {}", model.sha256));
    format!("{:16} {}", model.name, lines.join(&format!("\n{:17}", "")))
}

impl AddArgs {
    /// An option that was given and says nothing of a model of this role.
    fn of_another_role(&self) -> Option<&'static str> {
        let of_embedders = [
            (self.channels.is_some(), "--channels"),
            (self.mean.is_some(), "--mean"),
            (self.scale.is_some(), "--scale"),
            (self.output.is_some(), "--output"),
            (self.mirror, "--mirror"),
        ];
        let of_detectors = [(self.min_confidence.is_some(), "--min-confidence")];
        let others = match self.role {
            Role::Embedder => &of_detectors[..],
            Role::Detector => &of_embedders,
        };
        let given = others.iter().find(|(given, _)| *given);
        given.map(|(_, option)| *option)
    }
}

impl From<AddArgs> for NewModel {
    fn from(args: AddArgs) -> Self {
        Self {
            name: args.name,
            file: args.onnx,
            licence: args.licence,
            origin: args.origin,
            channels: match args.channels {
                Some(Channels::Bgr) => ChannelOrder::Bgr,
                Some(Channels::Rgb) | None => ChannelOrder::Rgb,
            },
            mean: args.mean.unwrap_or(127.5),
            scale: args.scale.unwrap_or(1.0 / 127.5),
            output: args.output,
            mirror: args.mirror,
        }
    }
}

impl From<AddArgs> for NewDetector {
    fn from(args: AddArgs) -> Self {
        Self {
            name: args.name,
            file: args.onnx,
            licence: args.licence,
            origin: args.origin,
            min_confidence: args.min_confidence.unwrap_or(0.5),
        }
    }
}
