//! Pictures that say what they show, and workers that find it there.

use std::time::Duration;

use likeness::domain::embedder::Embedder;
use likeness::domain::face::{
    BoundingBox, Details, Eyes, Face, FivePoints, Point, Pose, Quality, Template,
};
use likeness::domain::liveness_session::Signature;
use likeness::vision::document::Zone;
use likeness::vision::{
    Analysis, AnalysisRequest, Embed, Encoded, FaceBackend, Layout, StageTimings, VisionError,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A picture in the language of [`Scripted`].
pub fn picture(script: Value) -> Vec<u8> {
    script.to_string().into_bytes()
}

/// A picture of one person; two pictures of one person have a similarity of 1.
pub fn person(number: usize) -> Vec<u8> {
    picture(json!({"faces": [{"person": number}]}))
}

/// A picture of somebody who looks as much like a person as the similarity says.
pub fn lookalike(number: usize, similarity: f32) -> Vec<u8> {
    picture(json!({"faces": [{"person": number, "similarity": similarity}]}))
}

/// What a picture shows, or how it fails.
#[derive(Default, Deserialize)]
struct Script {
    #[serde(default)]
    faces: Vec<ScriptedFace>,
    /// Milliseconds that the analysis takes.
    #[serde(default)]
    takes_ms: u64,
    fails: Option<String>,
    /// Lines of a machine-readable zone.
    zone: Option<Vec<String>>,
    /// How far the picture is turned, clockwise. A document that lies on its side shows its face only to who turns it back,
    /// or tries every way.
    #[serde(default)]
    turn_degrees: f32,
    /// What is taken for faces on it by who does not.
    #[serde(default)]
    stray: Vec<ScriptedFace>,
    /// What the whole of it looks like, the same for every picture that says the same; otherwise each has its own looks.
    looks: Option<String>,
}

#[derive(Deserialize)]
struct ScriptedFace {
    person: usize,
    #[serde(default = "one")]
    similarity: f32,
    #[serde(default = "one")]
    liveness: f32,
    #[serde(default = "sixty")]
    eye_distance: f32,
    confidence: Option<f32>,
    sharpness: Option<f32>,
    brightness: Option<f32>,
    uniformity: Option<f32>,
    embedding_length: Option<f32>,
    #[serde(default)]
    yaw: f32,
    #[serde(default)]
    pitch: f32,
    /// How much larger it is than usual.
    #[serde(default = "one")]
    scale: f32,
    /// How far the nose stands out, in distances between the eyes.
    #[serde(default = "one_half")]
    depth: f32,
    /// How open the person's left and right eye are.
    #[serde(default = "both_open")]
    eyes: [f32; 2],
}

fn one() -> f32 {
    1.0
}

fn both_open() -> [f32; 2] {
    [1.0; 2]
}

fn one_half() -> f32 {
    0.5
}

fn sixty() -> f32 {
    60.0
}

/// Finds what the picture says, instead of looking.
pub struct Scripted;

impl FaceBackend for Scripted {
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        request: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        // A real picture is one without faces: readiness looks at a blank one.
        let mut script: Script = serde_json::from_slice(encoded.bytes()).unwrap_or_default();
        let turned_back = match script.turn_degrees {
            0.0 => Layout::Document,
            degrees => Layout::Turned((4 - (degrees / 90.0) as u8) % 4),
        };
        let lies = script.zone.is_some() || script.turn_degrees != 0.0;
        if lies && request.layout != turned_back && request.layout != Layout::AnyTurn {
            script.faces = script.stray;
        }
        std::thread::sleep(Duration::from_millis(script.takes_ms));
        match script.fails.as_deref() {
            Some("unsupported") => return Err(VisionError::UnsupportedImage),
            Some("corrupt") => return Err(VisionError::CorruptImage),
            Some("too_large") => {
                return Err(VisionError::ImageTooLarge {
                    width: 9_000,
                    height: 9_000,
                    max_pixels: 50_000_000,
                });
            }
            Some("inference") => {
                return Err(VisionError::Inference("as the script says".to_owned()));
            }
            Some(other) => panic!("{other}: as the script says"),
            None => {}
        }
        let embedded = |index: usize| match request.embed {
            Embed::None => false,
            Embed::Largest => index == 0,
            Embed::All => true,
        };
        let wanted = if request.only_largest { 1 } else { usize::MAX };
        let faces = script
            .faces
            .iter()
            .enumerate()
            .take(wanted)
            .map(|(i, face)| describe(face, embedded(i), request))
            .collect();
        Ok(Analysis {
            width: 640,
            height: 480,
            faces,
            signature: request.signature.then(|| match &script.looks {
                Some(looks) => signature(looks.as_bytes()),
                None => signature(encoded.bytes()),
            }),
            zone: script.zone.map(|lines| Zone {
                lines,
                corners: [(10.0, 400.0), (600.0, 400.0), (600.0, 460.0), (10.0, 460.0)]
                    .map(|(x, y)| Point { x, y }),
                turn_degrees: script.turn_degrees,
                confidence: 0.97,
                print: None,
            }),
            timings: StageTimings::default(),
        })
    }
}

/// Another one for all other bytes.
fn signature(encoded: &[u8]) -> Signature {
    let values = Sha256::digest(encoded).repeat(8);
    Signature::parse(&values).unwrap()
}

fn describe(face: &ScriptedFace, embedded: bool, request: &AnalysisRequest) -> Face {
    let embedder = request.embedder.unwrap_or_default();
    let point = |x, y| Point { x, y };
    let reach = face.depth * face.eye_distance;
    Face {
        bounding_box: BoundingBox {
            x: 100.0,
            y: 50.0,
            width: 120.0 * face.scale,
            height: 150.0 * face.scale,
        },
        confidence: face.confidence.unwrap_or(0.9995),
        landmarks: FivePoints {
            left_eye: point(130.0, 100.0),
            right_eye: point(130.0 + face.eye_distance, 100.0),
            // It goes where the head turns.
            nose: point(
                160.0 - reach * face.yaw.to_radians().sin(),
                130.0 - reach * face.pitch.to_radians().sin(),
            ),
            left_mouth: point(140.0, 160.0),
            right_mouth: point(180.0, 160.0),
        },
        quality: Quality {
            inter_eye_distance: face.eye_distance,
            sharpness: face.sharpness.unwrap_or(300.0),
            brightness: face.brightness.unwrap_or(0.5),
            contrast: 0.2,
            details: Some(Details {
                under_exposure: 0.01,
                over_exposure: 0.0,
                illumination_uniformity: face.uniformity.unwrap_or(0.9),
                dynamic_range: 7.0,
                margin: 0.3,
            }),
            embedding_length: embedded.then(|| face.embedding_length.unwrap_or(4.0)),
        },
        pose: request.pose.then_some(Pose {
            yaw: face.yaw,
            pitch: 2.0 + face.pitch,
            roll: 3.0,
        }),
        eyes: request.eyes.then_some(Eyes {
            left: face.eyes[0],
            right: face.eyes[1],
        }),
        liveness: Some(face.liveness),
        template: embedded.then(|| template(embedder, face.person, face.similarity)),
    }
}

/// The template of a person, or of somebody who looks like them.
pub fn template(embedder: Embedder, person: usize, similarity: f32) -> Template {
    let dimensions = embedder.dimensions();
    let rest = (1.0 - similarity * similarity).max(0.0).sqrt();
    let mut values = vec![0.0; dimensions];
    if person < dimensions / 2 {
        values[person] = similarity;
        values[dimensions - 1 - person] = rest;
    } else {
        // There are more people than axes: directions by chance are as good as at right angles to each other.
        let mut random = StdRng::seed_from_u64(person as u64);
        for part in [similarity, rest] {
            let direction: Vec<f32> = (0..dimensions)
                .map(|_| random.random_range(-1.0..1.0_f32))
                .collect();
            let length = direction
                .iter()
                .map(|value| value * value)
                .sum::<f32>()
                .sqrt();
            for (value, along) in values.iter_mut().zip(direction) {
                *value += part * along / length;
            }
        }
    }
    Template::normalised(embedder.id(), values).unwrap()
}
