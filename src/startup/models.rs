//! The models: their files, the device that they run on, and the threads that they are loaded for.

use std::path::Path;
use std::thread;

use anyhow::Context as _;

use crate::allocator;
use crate::assets::{AssetError, Assets, InferenceFiles, Part};
use crate::config::{Config, Inference, Load};
use crate::domain::chosen::Chosen;
use crate::domain::embedder::Embedder;
use crate::vision::document::ZoneReader;
use crate::vision::{
    Engine, FaceBackend, ImageLimits, ModelError, ModelFiles, OnnxBackend, Replacements, Runtime,
    VisionError,
};

/// The workers, and as many that read documents unless configured otherwise: a zone takes longer than all faces of a check. A
/// worker is lost if it takes longer for
/// one picture than a whole request may take.
pub(super) async fn load(config: &Config) -> anyhow::Result<Engine> {
    let (assets, wanted) = (config.assets.clone(), config.inference.clone());
    let load = config.load;
    let limits = ImageLimits {
        max_pixels: config.images.max_pixels,
    };
    let loaded = tokio::task::spawn_blocking(move || -> anyhow::Result<Engine> {
        let files = inference_files(&assets, wanted, load.embedder)?;
        let workers = worker_count(load.workers);
        let readers = match load.readers {
            _ if !load.read_mrz => 0,
            0 => workers,
            readers => readers,
        };
        let (faces, zones) = thread::scope(|scope| {
            let zones = scope.spawn(|| load_readers(&files, readers, limits));
            let faces = load_backends(&files, workers, load.chosen(), limits);
            (faces, zones.join())
        });
        // Files and graphs that were read and taken apart to that end.
        allocator::give_back();
        let zones = zones.map_err(|_| anyhow::anyhow!("loading the readers panicked"))??;
        // After the loading, which may have found that a device is not there.
        let device = Runtime::load(&files.runtime_library)?.device();
        tracing::info!(%device, workers, readers, "the models are loaded");
        let queue = load.queue_capacity;
        let again = replacements(&load, {
            let files = files.clone();
            move || load_backends(&files, 1, load.chosen(), limits).map(boxed)
        });
        let engine = Engine::start_replacing(boxed(faces?), queue, again);
        if zones.is_empty() {
            return Ok(engine);
        }
        let again = replacements(&load, move || load_readers(&files, 1, limits).map(boxed));
        Ok(engine.with_readers(boxed(zones), queue, Some(again)))
    });
    loaded.await?
}

/// Makes sure that inference with this embedder has its files, with the configured library in place of the shipped one, and
/// asks for the configured device.
///
/// # Errors
/// Where a file is missing and cannot be fetched, or the library cannot be loaded.
pub fn inference_files(
    assets: &Path,
    wanted: Inference,
    embedder: Embedder,
) -> anyhow::Result<InferenceFiles> {
    let mut files = ensure_inference(&Assets::open(assets)?, embedder)?;
    if let Some(library) = wanted.runtime_library {
        files.runtime_library = library;
    }
    Runtime::load(&files.runtime_library)?.ask_for(wanted.device);
    Ok(files)
}

/// Makes sure that inference with this embedder has its files, and says where.
///
/// # Errors
/// [`AssetError`] where something is missing and cannot be fetched.
pub fn ensure_inference(assets: &Assets, embedder: Embedder) -> Result<InferenceFiles, AssetError> {
    let files = assets.ensure_inference()?;
    for part in [Part::Sface, Part::MobileFaceNet] {
        if is_needed(part, embedder) {
            assets.ensure(part)?;
        }
    }
    Ok(files)
}

/// Makes sure that embedders have their files that lists may be in. Where that fails, those lists are refused, and the service
/// starts all the same.
pub(super) async fn ensure_others(config: &Config, others: Vec<Embedder>) -> anyhow::Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let assets = Assets::open(&config.assets)?;
    let ensured = tokio::task::spawn_blocking(move || {
        for embedder in others {
            if let Err(error) = ensure_inference(&assets, embedder) {
                let embedder = embedder.name();
                tracing::warn!(%error, embedder, "lists in an embedder cannot be searched: its files cannot be had");
            }
        }
    });
    Ok(ensured.await?)
}

/// Makes sure that every shipped embedder has its files.
///
/// # Errors
/// [`AssetError`] where something is missing and cannot be fetched.
pub fn ensure_shipped(assets: &Assets) -> Result<(), AssetError> {
    let mut shipped = Embedder::SHIPPED.into_iter();
    shipped.try_for_each(|embedder| ensure_inference(assets, embedder).map(drop))
}

/// Whether a service with this embedder needs such assets.
#[must_use]
pub const fn is_needed(part: Part, embedder: Embedder) -> bool {
    match part {
        Part::Inference | Part::Database => true,
        Part::Sface => matches!(embedder, Embedder::Sface),
        Part::MobileFaceNet => matches!(embedder, Embedder::Fused),
    }
}

/// What `make` gives, for workers that are lost.
fn replacements(
    load: &Load,
    make: impl Fn() -> anyhow::Result<Vec<Box<dyn FaceBackend>>> + Send + 'static,
) -> Replacements {
    let make = move || {
        let mut backends = make().map_err(|error| format!("{error:#}"))?;
        let made = backends.pop();
        made.ok_or_else(|| "no backend was loaded".to_owned())
    };
    Replacements {
        make: Box::new(make),
        patience: load.request_deadline,
    }
}

fn boxed<B: FaceBackend + 'static>(backends: Vec<B>) -> Vec<Box<dyn FaceBackend>> {
    let boxed = |backend| Box::new(backend) as Box<dyn FaceBackend>;
    backends.into_iter().map(boxed).collect()
}

/// Loads readers of machine-readable zones, side by side.
///
/// # Errors
/// The first model that cannot be loaded or run.
pub fn load_readers(
    files: &InferenceFiles,
    readers: usize,
    limits: ImageLimits,
) -> anyhow::Result<Vec<ZoneReader>> {
    let runtime = Runtime::load(&files.runtime_library)?;
    let models = ModelFiles::in_dir(&files.models);
    let load = || ZoneReader::load(runtime, &models, limits);
    side_by_side(readers, load, ZoneReader::warm_up)
}

/// Loads the models once for each worker, side by side.
///
/// # Errors
/// The first model that cannot be loaded or run.
pub fn load_backends(
    files: &InferenceFiles,
    workers: usize,
    chosen: Chosen,
    limits: ImageLimits,
) -> anyhow::Result<Vec<OnnxBackend>> {
    let runtime = Runtime::load(&files.runtime_library)?;
    let models = ModelFiles::in_dir(&files.models);
    let load = || OnnxBackend::load(runtime, &models, chosen, limits);
    side_by_side(workers, load, OnnxBackend::warm_up)
}

/// Only the first is warmed up: what that finds, and brings into memory, is the same for all.
fn side_by_side<B: Send>(
    count: usize,
    load: impl Fn() -> Result<B, ModelError> + Sync,
    warm_up: fn(&mut B) -> Result<(), VisionError>,
) -> anyhow::Result<Vec<B>> {
    let load = |index: usize| -> anyhow::Result<B> {
        let mut loaded = load()?;
        if index == 0 {
            warm_up(&mut loaded).context("a model fails on a plain picture")?;
        }
        Ok(loaded)
    };
    let load = &load;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|index| scope.spawn(move || load(index)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, anyhow::Result<B>>| {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("loading the models panicked"))?
        };
        threads.into_iter().map(join).collect()
    })
}

/// One worker a core unless configured; the cores are those that the control group grants.
#[must_use]
pub fn worker_count(configured: usize) -> usize {
    match configured {
        0 => thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}
