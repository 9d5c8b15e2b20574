//! One ONNX graph as a function from a tensor to tensors.

use std::borrow::Cow;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use image::RgbImage;
use ort::environment::Environment;
use ort::ep::{CPU, ExecutionProviderDispatch};
use ort::logging::LogLevel;
use ort::session::{Session, SessionOutputs};
use ort::value::{Outlet, TensorRef};

use super::VisionError;
use super::device::{Choice, Device, cuda};
use super::files::ModelFiles;
use super::graph::{clear_tiny_weights, without_prelu};
use super::shared::Sharing;
use super::tensor::tensor;
use super::tflite;
use crate::domain::network::{Input, Network};

/// Why a model or the runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The runtime's library cannot be loaded.
    #[error("cannot load ONNX Runtime from {path}: {reason}")]
    Runtime {
        /// The library.
        path: PathBuf,
        /// What the loader says.
        reason: String,
    },
    /// The model's file cannot be loaded.
    #[error("cannot load the model {path}: {reason}")]
    Load {
        /// The file.
        path: PathBuf,
        /// What the runtime says.
        reason: String,
    },
    /// The model is not the one that its file's name promises.
    #[error("the model {path} has {found} where {expected} was expected")]
    Shape {
        /// The file.
        path: PathBuf,
        /// What the pipeline is written for.
        expected: String,
        /// What the file holds.
        found: String,
    },
}

/// ONNX Runtime, loaded once for the whole process.
#[derive(Debug)]
pub struct Runtime {
    environment: Environment,
    choice: Choice,
}

/// A process may have one environment, ever, so it lives as long as the process.
static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

impl Runtime {
    /// Loads the library the first time it is called; later calls give the same runtime.
    ///
    /// # Errors
    /// [`ModelError::Runtime`] where the library is missing, broken or too old.
    pub fn load(library: &Path) -> Result<&'static Self, ModelError> {
        let runtime = RUNTIME.get_or_init(|| {
            let builder = ort::init_from(library).map_err(|error| error.to_string())?;
            let builder = builder.with_name("likeness").with_telemetry(false);
            let environment = builder.build().map_err(|error| error.to_string())?;
            // Below this it tells of every node that it rewrites.
            environment.set_log_level(LogLevel::Warning);
            Ok(Self {
                environment,
                choice: Choice::default(),
            })
        });
        let failed = |reason: &String| ModelError::Runtime {
            path: library.to_owned(),
            reason: reason.clone(),
        };
        runtime.as_ref().map_err(failed)
    }

    /// Has the models that are loaded from now on run on a device, where it can be had.
    pub fn ask_for(&self, device: Device) {
        self.choice.ask_for(device);
    }

    /// The device that models are loaded for.
    #[must_use]
    pub fn device(&self) -> Device {
        self.choice.device()
    }
}

/// Which graphs are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graphs {
    /// Those of the files, with what the runtime is slow at said in another way.
    Rewritten,
    /// Those of the files.
    Published,
}

/// What models are loaded with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loader<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) graphs: Graphs,
}

/// A network with one input. Where its shape is left open, each run says what it is.
pub(super) struct Model {
    session: Session,
    input: Input,
    /// Time in the runtime since it was last asked for.
    spent: Duration,
    outputs: Arc<[String]>,
}

/// What a graph says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Names and shapes of what it takes; -1 stands for an open side.
    pub inputs: Vec<(String, Vec<i64>)>,
    /// The same of what it gives.
    pub outputs: Vec<(String, Vec<i64>)>,
}

impl Interface {
    /// Of a graph, which a file holds.
    ///
    /// # Errors
    /// [`ModelError::Load`] where it is no graph that the runtime can run.
    pub fn read(runtime: &Runtime, path: &Path, graph: &[u8]) -> Result<Self, ModelError> {
        let session = open(runtime, graph).map_err(|reason| ModelError::Load {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self::of(&session))
    }

    /// The same, with the shapes that its outputs have when it is run on zeros of a shape.
    ///
    /// # Errors
    /// [`ModelError::Load`] where it is no graph that the runtime can run so.
    pub(crate) fn of_run(
        runtime: &Runtime,
        path: &Path,
        graph: &[u8],
        input_shape: &[i64],
    ) -> Result<Self, ModelError> {
        let run = |mut session: Session| Self::run(&mut session, input_shape);
        open(runtime, graph)
            .and_then(run)
            .map_err(|reason| ModelError::Load {
                path: path.to_owned(),
                reason,
            })
    }

    fn run(session: &mut Session, input_shape: &[i64]) -> Result<Self, String> {
        let failed = |error: ort::Error| error.to_string();
        let Self { inputs, .. } = Self::of(session);
        let zeros = vec![0.0_f32; input_shape.iter().product::<i64>() as usize];
        let tensor =
            TensorRef::from_array_view((input_shape.to_vec(), zeros.as_slice())).map_err(failed)?;
        let given = session.run(ort::inputs![tensor]).map_err(failed)?;
        let outputs = given.iter().map(|(name, value)| {
            let shape = value.dtype().tensor_shape();
            let sides = shape.map(|shape| shape.to_vec()).unwrap_or_default();
            (name.to_owned(), sides)
        });
        Ok(Self {
            inputs,
            outputs: outputs.collect(),
        })
    }

    fn of(session: &Session) -> Self {
        let value = |value: &Outlet| {
            let shape = value.dtype().tensor_shape();
            let sides = shape.map(|shape| shape.to_vec()).unwrap_or_default();
            (value.name().to_owned(), sides)
        };
        Self {
            inputs: session.inputs().iter().map(value).collect(),
            outputs: session.outputs().iter().map(value).collect(),
        }
    }
}

/// Whether a graph takes what it is given: where it leaves a side open, it takes any.
fn takes(found: &[i64], wanted: &[i64]) -> bool {
    let fits = |(found, wanted): (&i64, &i64)| found == wanted || *found == -1;
    found.len() == wanted.len() && found.iter().zip(wanted).all(fits)
}

impl Model {
    /// One that the service ships with.
    pub(super) fn shipped(
        loader: Loader<'_>,
        files: &ModelFiles,
        name: &str,
    ) -> Result<Self, ModelError> {
        let (path, network) = files.model(name);
        Self::load(loader, &path, network)
    }

    /// Loads a graph and checks that it takes and gives what is said of its network.
    pub(super) fn load(
        loader: Loader<'_>,
        path: &Path,
        Network { input, outputs, .. }: &Network,
    ) -> Result<Self, ModelError> {
        let failed = |reason: String| ModelError::Load {
            path: path.to_owned(),
            reason,
        };
        let published = fs::read(path).map_err(|error| failed(error.to_string()))?;
        let graph = to_be_run(published, loader.graphs).map_err(failed)?;
        let session = open(loader.runtime, &graph).map_err(failed)?;
        let Interface {
            inputs,
            outputs: given,
        } = Interface::of(&session);
        let found = inputs.into_iter().next().unwrap_or_default().1;
        let names: Vec<&String> = given.iter().map(|(name, _)| name).collect();
        let wanted = input.shape();
        if !takes(&found, &wanted) || !outputs.iter().all(|name| names.contains(&name)) {
            return Err(ModelError::Shape {
                path: path.to_owned(),
                expected: format!("input {wanted:?} and outputs {outputs:?}"),
                found: format!("input {found:?} and outputs {names:?}"),
            });
        }
        Ok(Self {
            session,
            input: input.clone(),
            spent: Duration::ZERO,
            outputs: outputs.as_slice().into(),
        })
    }

    /// What it takes.
    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// How long the runtime took since this was last asked.
    pub(super) fn take_spent(&mut self) -> Duration {
        mem::take(&mut self.spent)
    }

    /// What the file says about itself under a key.
    pub(super) fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    /// Runs a network of an open size on a picture and hands the first output to `read`, with its shape.
    pub(super) fn run_at<T>(
        &mut self,
        picture: &RgbImage,
        read: impl FnOnce(&[i64], &[f32]) -> T,
    ) -> Result<T, VisionError> {
        let failed = |error: ort::Error| VisionError::Inference(error.to_string());
        let sized = Input {
            width: Some(picture.width()),
            height: Some(picture.height()),
            ..self.input.clone()
        };
        let names = Arc::clone(&self.outputs);
        let tensor = tensor(picture, &sized);
        let outputs = self
            .infer(sized.shape().to_vec(), &tensor)
            .map_err(failed)?;
        let first = &outputs[names[0].as_str()];
        let (shape, values) = first.try_extract_tensor::<f32>().map_err(failed)?;
        Ok(read(shape, values))
    }

    /// Runs the network on a picture of the size that it takes, as [`Self::run`] does on a tensor.
    pub(super) fn run_on(&mut self, picture: &RgbImage) -> Result<Vec<Vec<f32>>, VisionError> {
        self.run(&tensor(picture, &self.input))
    }

    /// Runs the graph on one tensor; the outputs come in the order that they were named in at loading.
    pub(super) fn run(&mut self, input: &[f32]) -> Result<Vec<Vec<f32>>, VisionError> {
        let failed = |error: ort::Error| VisionError::Inference(error.to_string());
        let (shape, names) = (self.input.shape().to_vec(), Arc::clone(&self.outputs));
        let outputs = self.infer(shape, input).map_err(failed)?;
        let named = names.iter().map(|name| {
            let output = &outputs[name.as_str()];
            let (_, values) = output.try_extract_tensor::<f32>().map_err(failed)?;
            Ok(values.to_vec())
        });
        named.collect()
    }

    fn infer(&mut self, shape: Vec<i64>, input: &[f32]) -> Result<SessionOutputs<'_>, ort::Error> {
        let tensor = TensorRef::from_array_view((shape, input))?;
        let started = Instant::now();
        let outputs = self.session.run(ort::inputs![tensor])?;
        self.spent += started.elapsed();
        Ok(outputs)
    }
}

/// The graph that is run of a file, which may be large, and is let go.
fn to_be_run(published: Vec<u8>, graphs: Graphs) -> Result<Vec<u8>, String> {
    let mut graph = if tflite::is_network(&published) {
        tflite::to_onnx(&published).map_err(|error| error.to_string())?
    } else {
        published
    };
    if graphs == Graphs::Rewritten {
        clear_tiny_weights(&mut graph);
        if let Cow::Owned(rewritten) = without_prelu(&graph) {
            return Ok(rewritten);
        }
    }
    Ok(graph)
}

/// A session on the runtime's device. Where that fails on a graphics processor, the CPU is what is left. Weights are shared on
/// the CPU alone.
fn open(runtime: &Runtime, graph: &[u8]) -> Result<Session, String> {
    let environment = &runtime.environment;
    if runtime.device() == Device::Cuda {
        match open_on(environment, &Sharing::nothing(graph), Some(cuda())) {
            Ok(session) => return Ok(session),
            Err(reason) => runtime.choice.give_up(&reason.to_string()),
        }
    }
    Sharing::of(graph)
        .and_then(|sharing| open_on(environment, &sharing, None))
        .map_err(|error| error.to_string())
}

/// One thread a session: the workers are the parallelism, and they do not spin while they wait. What no provider takes runs
/// on the CPU, without an arena, in which every session would keep what its largest picture took: it saved no time.
fn open_on(
    environment: &Environment,
    sharing: &Sharing<'_>,
    provider: Option<ExecutionProviderDispatch>,
) -> Result<Session, ort::Error> {
    let cpu = CPU::default().with_arena_allocator(false).build();
    let providers: Vec<_> = provider.into_iter().chain([cpu]).collect();
    let builder = Session::builder(environment)?
        .with_execution_providers(&providers)?
        .with_intra_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?;
    sharing.tell(builder)?.commit_from_memory(&sharing.model)
}
