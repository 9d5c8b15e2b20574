//! The settings of the work: what it is done with, how much of it at once, and how long it may take.

use std::path::Path;
use std::str::FromStr;

use super::Load;
use super::reader::Reader;
use crate::domain::chosen::Chosen;
use crate::models::{OwnModelError, OwnModels};

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
    let own = OwnModels::of_home(home);
    Load {
        workers: reader.bounded("LIKENESS_WORKERS", 0..=1024),
        detector: network(reader, "LIKENESS_DETECTOR", "not fr_detect", |name| {
            own.detector(name)
        }),
        embedder: network(
            reader,
            "LIKENESS_EMBEDDER",
            "none of sface, fused and fr_feature",
            |name| own.embedder(name),
        ),
        read_mrz: reader.yes("LIKENESS_READ_MRZ"),
        readers: reader.bounded("LIKENESS_READERS", 0..=1024),
        queue_capacity: reader.bounded("LIKENESS_QUEUE_CAPACITY", 1..=100_000),
        request_deadline: reader.seconds("LIKENESS_REQUEST_DEADLINE_SECONDS", 1..=600),
        body_timeout: reader.seconds("LIKENESS_BODY_TIMEOUT_SECONDS", 1..=600),
        shutdown_grace: reader.seconds("LIKENESS_SHUTDOWN_GRACE_SECONDS", 0..=600),
    }
}

/// A shipped network by its name, or one of the user's own.
fn network<N: FromStr + Default>(
    reader: &mut Reader<'_>,
    setting: &'static str,
    not_shipped: &str,
    own: impl FnOnce(&str) -> Result<N, OwnModelError>,
) -> N {
    let name = reader.text(setting);
    name.parse()
        .or_else(|_| own(&name))
        .unwrap_or_else(|error| {
            let problem = format!("is {name:?}, {not_shipped}: {error}");
            reader.fault(setting, &problem);
            N::default()
        })
}
