//! What stands around the models, piece by piece: `cargo bench --bench pipeline`. Sizes are millions of pixels.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a bench is a failed bench"
)]

#[path = "../tests/support/models.rs"]
mod models;

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use image::{Rgb, Rgb32FImage};
use likeness::bench::{MEGAPIXELS, jpeg_of};
use likeness::domain::calibration::Calibration;
use likeness::domain::decision::{Evidence, decide};
use likeness::domain::document::{Side, Sides, ZoneReading, ZoneSearch};
use likeness::domain::embedder::Embedder;
use likeness::domain::face::{Face, Point};
use likeness::domain::mrz::{CivilDate, Expected, Mrz};
use likeness::domain::policy::Policy;
use likeness::domain::rotation::Rotation;
use likeness::vision::benching::{Aligner, embedder_input};
use likeness::vision::document::ZoneReader;
use likeness::vision::{
    AnalysisRequest, Embed, FaceBackend as _, Graphs, ImageLimits, Layout, OnnxBackend, decode,
    decode_reduced,
};

const TD3: &str =
    "P<UTOVALE<<ADRIAN<THEO<<<<<<<<<<<<<<<<<<<<<<\nUX48219375UTO6103176M3406304<<<<<<<<<<<<<<08";
fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

/// A photograph at that many millions of pixels.
fn photograph(megapixels: f64) -> Vec<u8> {
    let picture = image::load_from_memory(&fixture("obama.jpg")).unwrap();
    jpeg_of(&picture, megapixels).unwrap()
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
    let limits = ImageLimits::default();
    let mut largest = Vec::new();
    for megapixels in MEGAPIXELS {
        largest = photograph(megapixels);
        group.bench_function(BenchmarkId::new("whole", megapixels), |bench| {
            bench.iter(|| decode(black_box(&largest), limits).unwrap());
        });
    }
    group.bench_function("the largest, reduced by 8", |bench| {
        bench.iter(|| {
            let reduced = decode_reduced(black_box(&largest), limits, 8).unwrap();
            reduced.unwrap()
        });
    });
    group.finish();
}

fn around_the_embedder(criterion: &mut Criterion) {
    let mut backend = models::load(Graphs::Rewritten);
    for megapixels in MEGAPIXELS {
        let encoded = photograph(megapixels);
        let landmarks = face(&mut backend, &encoded, Layout::Selfie).landmarks;
        let mut aligner = Aligner::new(decode(&encoded, ImageLimits::default()).unwrap());
        criterion.bench_with_input(
            BenchmarkId::new("align", megapixels),
            &landmarks,
            |bench, landmarks| bench.iter(|| aligner.align(landmarks).unwrap()),
        );
    }
    // An aligned face has the same size whatever it was taken from.
    let aligned = Rgb32FImage::from_fn(112, 112, |x, y| Rgb([x, y, x ^ y].map(|v| v as f32)));
    criterion.bench_function("preprocess", |bench| {
        bench.iter(|| embedder_input(black_box(&aligned)));
    });
}

fn deciding(criterion: &mut Criterion) {
    let mut backend = models::load(Graphs::Rewritten);
    let selfie = face(&mut backend, &fixture("obama.jpg"), Layout::Selfie);
    let document = fixture("document_obama.jpg");
    let portrait = face(&mut backend, &document, Layout::Document);
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

/// What a key for templates costs: a search rotates once, and each tenant's rotation is made once.
fn rotating(criterion: &mut Criterion) {
    let dimensions = Embedder::default().dimensions();
    let rotation = Rotation::from_seed([7; 32], dimensions);
    let mut vector = vec![0.04; dimensions];
    criterion.bench_function("rotate", |bench| {
        bench.iter(|| rotation.apply(black_box(&mut vector)));
    });
    criterion.bench_function("make a rotation", |bench| {
        bench.iter(|| Rotation::from_seed(black_box([7; 32]), dimensions));
    });
}

/// What it brings to say graphs in another way: a face as `fr_feature` has it, and a document's zone.
fn graphs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("graphs");
    group.sample_size(20);
    let (selfie, document) = (fixture("obama.jpg"), fixture("document_obama.jpg"));
    let limits = ImageLimits::default();
    let page = decode(&document, limits).unwrap();
    let (runtime, files) = models::files(Embedder::default());
    for graphs in [Graphs::Published, Graphs::Rewritten] {
        let mut backend = models::load_embedder(graphs, Embedder::FrFeature);
        group.bench_function(format!("a face, {graphs:?}"), |bench| {
            bench.iter(|| face(&mut backend, black_box(&selfie), Layout::Selfie));
        });
        let mut reader = ZoneReader::load_graphs(graphs, runtime, &files, limits).unwrap();
        group.bench_function(format!("a zone, {graphs:?}"), |bench| {
            bench.iter(|| reader.read(black_box(&page)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(
    pipeline,
    decoding,
    graphs,
    around_the_embedder,
    deciding,
    rotating,
    zones
);
criterion_main!(pipeline);
