//! The shipped pipeline, its models fetched the first time.

use likeness::assets::Assets;
use likeness::config::Config;
use likeness::domain::chosen::Chosen;
use likeness::domain::embedder::Embedder;
use likeness::startup::ensure_inference;
use likeness::vision::{Graphs, ImageLimits, ModelFiles, OnnxBackend, Runtime};

pub fn load(graphs: Graphs) -> OnnxBackend {
    load_embedder(graphs, Embedder::default())
}

pub fn load_embedder(graphs: Graphs, embedder: Embedder) -> OnnxBackend {
    let chosen = Chosen {
        embedder,
        ..Chosen::default()
    };
    load_chosen(graphs, chosen)
}

pub fn load_chosen(graphs: Graphs, chosen: Chosen) -> OnnxBackend {
    let (runtime, files) = files(chosen.embedder);
    OnnxBackend::load_graphs(graphs, runtime, &files, chosen, ImageLimits::default()).unwrap()
}

/// The files, with those that not every embedder has.
pub fn files(embedder: Embedder) -> (&'static Runtime, ModelFiles) {
    let config = Config::from_env().unwrap();
    let assets = Assets::open(&config.assets).unwrap();
    let files = ensure_inference(&assets, embedder).unwrap();
    let runtime = Runtime::load(&files.runtime_library).unwrap();
    (runtime, ModelFiles::in_dir(&files.models))
}
