//! Pictures that are numbers: each shows one person, and no two people look alike.

use std::time::Duration;

use likeness::domain::embedder::Embedder;
use likeness::domain::face::{BoundingBox, Face, FivePoints, Point, Pose, Quality, Template};
use likeness::vision::{
    Analysis, AnalysisRequest, Embed, Encoded, Engine, FaceBackend, StageTimings, VisionError,
};
use serde::Deserialize;
use serde_json::json;

/// A picture of the person of that number.
pub fn person(number: u64) -> Vec<u8> {
    slow_person(number, 0)
}

/// The same, and looking at it takes a while.
pub fn slow_person(number: u64, takes_ms: u64) -> Vec<u8> {
    let picture = json!({"person": number, "takes_ms": takes_ms});
    picture.to_string().into_bytes()
}

/// An engine of workers that read such pictures.
pub fn engine(workers: usize, queue_capacity: usize) -> Engine {
    let workers = (0..workers).map(|_| Box::new(Numbers) as Box<dyn FaceBackend>);
    Engine::start(workers.collect(), queue_capacity)
}

#[derive(Deserialize)]
struct Picture {
    person: u64,
    takes_ms: u64,
}

struct Numbers;

impl FaceBackend for Numbers {
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        request: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        // A real picture shows nobody: readiness looks at a blank one.
        let picture: Option<Picture> = serde_json::from_slice(encoded.bytes()).ok();
        if let Some(picture) = &picture {
            std::thread::sleep(Duration::from_millis(picture.takes_ms));
        }
        let embedded = request.embed != Embed::None;
        Ok(Analysis {
            width: 640,
            height: 480,
            signature: None,
            faces: picture
                .iter()
                .map(|picture| face(picture.person, embedded))
                .collect(),
            zone: None,
            timings: StageTimings::default(),
        })
    }
}

fn face(person: u64, embedded: bool) -> Face {
    let point = |x, y| Point { x, y };
    Face {
        bounding_box: BoundingBox {
            x: 100.0,
            y: 50.0,
            width: 120.0,
            height: 150.0,
        },
        confidence: 0.9995,
        landmarks: FivePoints {
            left_eye: point(130.0, 100.0),
            right_eye: point(190.0, 100.0),
            nose: point(160.0, 130.0),
            left_mouth: point(140.0, 160.0),
            right_mouth: point(180.0, 160.0),
        },
        quality: Quality {
            inter_eye_distance: 60.0,
            sharpness: 300.0,
            brightness: 0.5,
            contrast: 0.2,
            details: None,
            embedding_length: None,
        },
        pose: Some(Pose {
            yaw: 1.0,
            pitch: 2.0,
            roll: 3.0,
        }),
        eyes: None,
        liveness: Some(1.0),
        template: embedded
            .then(|| Template::normalised(Embedder::default().id(), direction(person)).unwrap()),
    }
}

/// A direction of its own for each number: those of different numbers are nearly at right angles.
fn direction(seed: u64) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = (word >> 40) as f32 / (1_u64 << 24) as f32;
        unit - 0.5
    };
    std::iter::repeat_with(next)
        .take(Embedder::default().dimensions())
        .collect()
}
