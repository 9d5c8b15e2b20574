//! The shipped pipeline, its models fetched the first time.

use likeness::assets::Assets;
use likeness::config::Config;
use likeness::vision::{Graphs, ImageLimits, ModelFiles, OnnxBackend, Runtime};

pub fn load(graphs: Graphs) -> OnnxBackend {
    let config = Config::from_env().unwrap();
    let files = Assets::open(&config.assets)
        .unwrap()
        .ensure_inference()
        .unwrap();
    let runtime = Runtime::load(&files.runtime_library).unwrap();
    let models = ModelFiles::in_dir(&files.models);
    OnnxBackend::load_graphs(graphs, runtime, &models, ImageLimits::default()).unwrap()
}
