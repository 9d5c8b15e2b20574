//! How long a document is worked on, on one core.

use std::time::{Duration, Instant};

use likeness::vision::document::ZoneReader;
use likeness::vision::{AnalysisRequest, FaceBackend, Graphs, Layout, OnnxBackend};

use crate::{models, reader};

/// As `documents/read` asks for it.
const PORTRAIT: AnalysisRequest = AnalysisRequest {
    pose: true,
    eyes: true,
    only_largest: true,
    ..AnalysisRequest::of(Layout::Document)
};

/// The quickest of several rounds: what other work on the machine adds is not the reader's.
#[derive(Clone, Copy)]
struct Took {
    decode: Duration,
    zone: Duration,
    portrait: Duration,
    /// All of it, by the clock and on the processor.
    wall: Duration,
    cpu: Duration,
}

/// Time that this thread has been on a processor.
pub fn on_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

fn time(reader: &mut ZoneReader, backend: &mut OnnxBackend, page: &[u8], rounds: usize) -> Took {
    let mut once = || {
        let (started, before) = (Instant::now(), on_cpu());
        let read = reader.analyse(page, &PORTRAIT).unwrap().timings;
        let zone_done = started.elapsed();
        backend.analyse(page, &PORTRAIT).unwrap();
        Took {
            decode: read.decode,
            zone: read.zone,
            portrait: started.elapsed().saturating_sub(zone_done),
            wall: started.elapsed(),
            cpu: on_cpu().saturating_sub(before),
        }
    };
    let took: Vec<Took> = (0..rounds).map(|_| once()).collect();
    let least = |stage: fn(&Took) -> Duration| took.iter().map(stage).min().unwrap();
    Took {
        decode: least(|took| took.decode),
        zone: least(|took| took.zone),
        portrait: least(|took| took.portrait),
        wall: least(|took| took.wall),
        cpu: least(|took| took.cpu),
    }
}

/// Documents of every kind, and a picture that is none.
fn pages() -> Vec<(&'static str, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let read = |name: &'static str| (name, std::fs::read(folder.join(name)).unwrap());
    let names = [
        "document_obama.jpg",
        "document_biden.jpg",
        "document_astronaut.jpg",
        "card_front.jpg",
        "card_back.jpg",
        "card_td2.jpg",
        "visa_a.jpg",
        "visa_b.jpg",
        "no_face.jpg",
    ];
    names.map(read).into()
}

/// Prints the times of each: `taskset -c 0 cargo test --release --test documents -- --ignored --nocapture
/// one_core`.
#[test]
#[ignore = "times say something on a quiet machine alone"]
fn how_long_a_document_takes_on_one_core() {
    let (reader, backend) = (&mut reader(), &mut models::load(Graphs::Rewritten));
    let rounds = 5;
    let times: Vec<(&str, Took)> = pages()
        .into_iter()
        .map(|(name, page)| (name, time(reader, backend, &page, rounds)))
        .collect();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    eprintln!("ms, least of {rounds}          decode   zone  portrait   wall    cpu");
    for (name, took) in &times {
        eprintln!(
            "{name:24} {:6.0} {:6.0} {:9.0} {:6.0} {:6.0}",
            ms(took.decode),
            ms(took.zone),
            ms(took.portrait),
            ms(took.wall),
            ms(took.cpu)
        );
    }
    type Stage = fn(&Took) -> Duration;
    for (name, stage) in [
        ("wall", (|took| took.wall) as Stage),
        ("cpu", |took| took.cpu),
        ("zone", |took| took.zone),
    ] {
        let mut all: Vec<f64> = times.iter().map(|(_, took)| ms(stage(took))).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: usize| all[(all.len() * share / 100).min(all.len() - 1)];
        eprintln!(
            "{name:5} of {} pages: p50 {:.0} ms, p95 {:.0} ms",
            all.len(),
            at(50),
            at(95)
        );
    }
}
