//! What stands around the models, piece by piece, on real faces: `cargo bench --bench pipeline`.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a bench is a failed bench"
)]

#[path = "../tests/support/models.rs"]
mod models;

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use likeness::domain::calibration::Calibration;
use likeness::domain::decision::{Evidence, decide};
use likeness::domain::document::{Side, Sides, ZoneReading, ZoneSearch};
use likeness::domain::face::{Face, Point};
use likeness::domain::mrz::{CivilDate, Expected, Mrz};
use likeness::domain::policy::Policy;
use likeness::vision::benching::{Aligner, tensor};
use likeness::vision::{
    AnalysisRequest, Embed, FaceBackend as _, Graphs, ImageLimits, Layout, OnnxBackend, decode,
    decode_reduced,
};

const TD3: &str =
    "P<UTOVALE<<ADRIAN<THEO<<<<<<<<<<<<<<<<<<<<<<\nUX48219375UTO6103176M3406304<<<<<<<<<<<<<<08";
/// Longer sides of pictures of 0.3, 2 and 12 megapixels, and by how much the last may be reduced while it is decoded.
const SIZES: [(u32, &str, u32); 3] = [(640, "0.3 MP", 1), (1_632, "2 MP", 1), (4_000, "12 MP", 8)];

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

/// A photograph as a camera of so many pixels would send it.
fn jpeg(longer: u32) -> Vec<u8> {
    let picture = image::load_from_memory(&fixture("obama.jpg"))
        .unwrap()
        .into_rgb8();
    let (width, height) = picture.dimensions();
    let side = |length: u32| length * longer / width.max(height);
    let scaled = imageops::resize(&picture, side(width), side(height), FilterType::Triangle);
    let mut encoded = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut encoded, 90)
        .encode_image(&scaled)
        .unwrap();
    encoded.into_inner()
}

fn today() -> CivilDate {
    "2026-01-01".parse().unwrap()
}

fn face(backend: &mut OnnxBackend, encoded: &[u8], layout: Layout) -> Face {
    let request = AnalysisRequest {
        embed: Embed::Largest,
        pose: true,
        ..AnalysisRequest::of(layout)
    };
    backend.analyse(encoded, &request).unwrap().faces.remove(0)
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (longer, name, reduction) in SIZES {
        let encoded = jpeg(longer);
        group.throughput(Throughput::Bytes(encoded.len() as u64));
        group.bench_function(BenchmarkId::new("whole", name), |bench| {
            bench.iter(|| decode(black_box(&encoded), ImageLimits::default()).unwrap());
        });
        if reduction > 1 {
            group.bench_function(BenchmarkId::new("reduced by 8", name), |bench| {
                bench.iter(|| {
                    decode_reduced(black_box(&encoded), ImageLimits::default(), reduction).unwrap()
                });
            });
        }
    }
    group.finish();
}

fn around_the_embedder(criterion: &mut Criterion) {
    let mut backend = models::load(Graphs::Rewritten);
    for (longer, name, _) in SIZES {
        let encoded = jpeg(longer);
        let landmarks = face(&mut backend, &encoded, Layout::Selfie).landmarks;
        let mut aligner = Aligner::new(decode(&encoded, ImageLimits::default()).unwrap());
        criterion.bench_function(&format!("align/{name}"), |bench| {
            bench.iter(|| aligner.align(black_box(&landmarks)).unwrap());
        });
        let aligned = aligner.align(&landmarks).unwrap();
        criterion.bench_function(&format!("preprocess/{name}"), |bench| {
            bench.iter(|| tensor(black_box(&aligned)));
        });
    }
}

fn deciding(criterion: &mut Criterion) {
    let mut backend = models::load(Graphs::Rewritten);
    let selfie = face(&mut backend, &fixture("obama.jpg"), Layout::Selfie);
    let portrait = face(
        &mut backend,
        &fixture("document_obama.jpg"),
        Layout::Document,
    );
    let templates = [&selfie, &portrait].map(|face| face.template.as_ref().unwrap());
    let similarity = templates[0].similarity(templates[1]).unwrap();
    let (calibration, policy) = (Calibration::shipped(), Policy::default());
    let expected = Expected {
        document_number: Some("UX4821937".to_owned()),
        ..Expected::default()
    };
    let reading = ZoneReading {
        side: Side::Document,
        corners: [Point { x: 0.0, y: 0.0 }; 4],
        turn_degrees: 0.0,
        confidence: 0.99,
        mrz: Mrz::parse(TD3, today()).unwrap(),
        cues: Vec::new(),
    };
    criterion.bench_function("decide", |bench| {
        bench.iter(|| {
            let evidence = Evidence {
                similarity,
                liveness: 0.9,
                challenge: None,
                selfie: &selfie,
                portrait: &portrait,
                sides: Sides {
                    front: ZoneSearch::Read(Box::new(reading.clone())),
                    back: ZoneSearch::NotSent,
                },
                expected: &expected,
                searches: Vec::new(),
            };
            decide(black_box(evidence), &policy, &calibration)
        });
    });
}

fn zones(criterion: &mut Criterion) {
    criterion.bench_function("mrz", |bench| {
        bench.iter(|| Mrz::parse(black_box(TD3), today()).unwrap());
    });
}

criterion_group!(pipeline, decoding, around_the_embedder, deciding, zones);
criterion_main!(pipeline);
