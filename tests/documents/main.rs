//! Machine-readable zones with the real models: on the fixtures, and on zones that are written here and then spoiled.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a test is a failed test"
)]

mod fixtures;
mod forged;
mod measured;
#[path = "../support/models.rs"]
mod models;
mod render;
mod spoil;
mod timed;
#[path = "../support/turned.rs"]
mod turned;
mod zones;

use likeness::assets::Assets;
use likeness::config::Config;
use likeness::domain::mrz::{CivilDate, Mrz};
use likeness::startup::load_readers;
use likeness::vision::ImageLimits;
use likeness::vision::document::ZoneReader;

/// The shipped reader, its models fetched the first time.
pub fn reader() -> ZoneReader {
    readers(1).remove(0)
}

/// Several of them.
pub fn readers(count: usize) -> Vec<ZoneReader> {
    let config = Config::from_env().unwrap();
    let files = Assets::open(&config.assets)
        .unwrap()
        .ensure_inference()
        .unwrap();
    load_readers(&files, count, ImageLimits::default()).unwrap()
}

/// The day that the tests read on.
pub fn today() -> CivilDate {
    "2026-01-01".parse().unwrap()
}

/// The zone of a picture as the domain reads it.
pub fn read(reader: &mut ZoneReader, image: &image::RgbImage) -> Option<Mrz> {
    let zone = reader.read(image).unwrap()?;
    Mrz::parse(&zone.lines.join("\n"), today()).ok()
}
