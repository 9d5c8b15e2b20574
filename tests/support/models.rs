//! The shipped pipeline, its models fetched the first time.

use likeness::assets::Assets;
use likeness::config::Config;
use likeness::domain::chosen::Chosen;
use likeness::domain::embedder::Embedder;
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
    let config = Config::from_env().unwrap();
    let files = Assets::open(&config.assets)
        .unwrap()
        .ensure_inference()
        .unwrap();
    let runtime = Runtime::load(&files.runtime_library).unwrap();
    let models = ModelFiles::in_dir(&files.models);
    OnnxBackend::load_graphs(graphs, runtime, &models, chosen, ImageLimits::default()).unwrap()
}
