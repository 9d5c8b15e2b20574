//! The settings of the work: what it is done with, how much of it at once, and how long it may take.

use std::path::Path;

use super::Load;
use super::reader::Reader;
use super::templates::embedder;
use crate::domain::chosen::Chosen;
use crate::domain::detector::Detector;
use crate::models::OwnModels;

impl Load {
    /// The networks that are at work.
    #[must_use]
    pub const fn chosen(&self) -> Chosen {
        Chosen {
            detector: self.detector,
            embedder: self.embedder,
        }
    }
}

pub(super) fn load(reader: &mut Reader<'_>, home: &Path) -> Load {
    Load {
        workers: reader.bounded("LIKENESS_WORKERS", 0..=1024),
        detector: detector(reader, home),
        embedder: embedder(reader, home),
        read_mrz: reader.yes("LIKENESS_READ_MRZ"),
        readers: reader.bounded("LIKENESS_READERS", 0..=1024),
        queue_capacity: reader.bounded("LIKENESS_QUEUE_CAPACITY", 1..=100_000),
        request_deadline: reader.seconds("LIKENESS_REQUEST_DEADLINE_SECONDS", 1..=600),
        body_timeout: reader.seconds("LIKENESS_BODY_TIMEOUT_SECONDS", 1..=600),
        shutdown_grace: reader.seconds("LIKENESS_SHUTDOWN_GRACE_SECONDS", 0..=600),
    }
}

fn detector(reader: &mut Reader<'_>, home: &Path) -> Detector {
    let name = reader.text("LIKENESS_DETECTOR");
    let shipped = name.parse();
    shipped.unwrap_or_else(|()| {
        let own = OwnModels::of_home(home).detector(&name);
        own.unwrap_or_else(|error| {
            let problem = format!("is {name:?}, not fr_detect: {error}");
            reader.fault("LIKENESS_DETECTOR", &problem);
            Detector::default()
        })
    })
}
