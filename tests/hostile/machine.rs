//! The service with the real models, and what its process takes.

use std::path::Path;
use std::time::Duration;

use image::RgbImage;
use image::imageops::{self, FilterType};
use likeness::assets::Assets;
use likeness::domain::chosen::Chosen;
use likeness::domain::embedder::Embedder;
use likeness::startup::{ensure_inference, load_backends};
use likeness::vision::{Engine, FaceBackend, ImageLimits};
use reqwest::multipart::{Form, Part};
use tokio::sync::{Mutex, MutexGuard};

use crate::app::{Answer, App, Options};
use crate::support;

pub const WORKERS: usize = 2;

/// Memory is measured for the whole process, so tests that look at it or need much of it take turns.
pub async fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// The service with the real models.
pub async fn real_app() -> App {
    let load = || {
        let assets = Assets::open(&support::config().assets).unwrap();
        let files = ensure_inference(&assets, Embedder::default()).unwrap();
        load_backends(&files, WORKERS, Chosen::default(), ImageLimits::default()).unwrap()
    };
    let backends = tokio::task::spawn_blocking(load).await.unwrap();
    let workers = backends
        .into_iter()
        .map(|backend| Box::new(backend) as Box<dyn FaceBackend>)
        .collect();
    let options = Options {
        max_image_bytes: Some(10 * 1024 * 1024),
        request_deadline: Some(Duration::from_secs(300)),
        ..Options::default()
    };
    let engine = Engine::start(workers, 128);
    App::with_engine(engine, options).await.unwrap()
}

pub fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

/// A fixture's pixels at so many of them across.
pub fn photograph(name: &str, width: u32) -> RgbImage {
    let picture = image::load_from_memory(&fixture(name)).unwrap().into_rgb8();
    let height = picture.height() * width / picture.width();
    imageops::resize(&picture, width, height, FilterType::Triangle)
}

pub async fn detect(app: &App, image: Vec<u8>) -> Answer {
    let form = Form::new().part("image", Part::bytes(image));
    app.post_form("/v1/faces/detect", form).await
}

pub async fn compare(app: &App, source: Vec<u8>, target: Vec<u8>) -> Answer {
    let form = Form::new()
        .part("source", Part::bytes(source))
        .part("target", Part::bytes(target));
    app.post_form("/v1/faces/compare", form).await
}

/// How alike the one face of a picture and the largest of another are.
pub async fn similarity(app: &App, source: Vec<u8>, target: Vec<u8>) -> f64 {
    let answer = compare(app, source, target).await;
    let body = answer.expect(reqwest::StatusCode::OK);
    body["targets"][0]["faces"][0]["similarity"]
        .as_f64()
        .unwrap()
}

/// Whether times and memory are held to the bounds that are meant for an optimised build on a quiet machine.
pub fn is_strict() -> bool {
    std::env::var_os("HOSTILE").is_some_and(|form| form == "strict")
}

/// What all but one of a hundred stay below.
pub fn p99<T: Ord + Copy>(values: &[T]) -> T {
    let mut values = values.to_vec();
    values.sort_unstable();
    values[(values.len() * 99).div_ceil(100) - 1]
}

/// Forgets the peak so far.
pub fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The most resident memory since then, in MiB.
pub fn peak_mib() -> u64 {
    kib("VmHWM") / 1024
}

/// Resident memory now, in MiB.
pub fn resident_mib() -> u64 {
    kib("VmRSS") / 1024
}

fn kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
