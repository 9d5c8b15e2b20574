//! What is judged of a picture, and what is known of it later.

use serde::{Deserialize, Serialize};

use super::Signature;
use crate::domain::face::{Face, FivePoints, Pose, Template};

/// A face of less than this share of the largest one is somebody in the background.
const BACKGROUND_SHARE: f32 = 0.2;

/// What is known of one picture before it is judged.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Whether it came with the session's nonce.
    pub nonce_matches: bool,
    /// Its number, as the client counts.
    pub sequence: u32,
    /// The client's clock when it was taken.
    pub captured_at_ms: u64,
    /// When it came, since the making of the session.
    pub received_at_ms: u64,
    /// Whether the same bytes came before, in this session or another of the tenant.
    pub bytes_known: bool,
    /// What the whole picture looks like.
    pub signature: Signature,
    /// Who is in it.
    pub seen: Seen,
}

/// Who is in a picture.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Nobody.
    Nobody,
    /// Several people of whom none is merely in the background.
    Several,
    /// One person.
    One(FaceSeen),
}

/// The face of a picture.
#[derive(Debug, Clone, Copy)]
pub struct FaceSeen {
    /// Where the head points.
    pub pose: Pose,
    /// Probability that the eyes are open, the mean of both.
    pub eyes_open: Option<f32>,
    /// Eyes, nose and mouth.
    pub points: FivePoints,
    /// The size of the face, in pixels: the root of its box's area.
    pub size: f32,
    /// The shorter side of the picture, in pixels.
    pub frame_side: f32,
    /// How sharp it is, as in [`crate::domain::face::Quality`].
    pub sharpness: f32,
    /// How bright, as there.
    pub brightness: f32,
    /// Cosine similarity to the face of the frontal picture; none before there is one.
    pub similarity: Option<f32>,
}

/// What is measured of a face to know it again in the next picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FaceMark {
    /// Where the head points.
    pub pose: Pose,
    /// Eyes, nose and mouth.
    pub points: FivePoints,
}

/// What is known of a picture that came before.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// What it looked like.
    pub signature: Signature,
    /// The one face in it.
    pub face: Option<FaceMark>,
}

impl Observation {
    /// What is to be known of it later.
    #[must_use]
    pub fn face_mark(&self) -> Option<FaceMark> {
        match &self.seen {
            Seen::One(face) => Some(face.mark()),
            Seen::Nobody | Seen::Several => None,
        }
    }
}

impl Seen {
    /// Who is in a picture with these faces, the largest first; `front` is the template of the frontal picture, and
    /// `frame_side` the shorter side of the picture.
    #[must_use]
    pub fn of(faces: &[Face], front: Option<&Template>, frame_side: f32) -> Self {
        let Some((largest, others)) = faces.split_first() else {
            return Self::Nobody;
        };
        let area = largest.bounding_box.area();
        let is_somebody = |other: &Face| other.bounding_box.area() >= BACKGROUND_SHARE * area;
        if others.iter().any(is_somebody) {
            return Self::Several;
        }
        let Some(pose) = largest.pose else {
            return Self::Nobody;
        };
        let template = largest.template.as_ref();
        Self::One(FaceSeen {
            pose,
            eyes_open: largest.eyes.map(|eyes| (eyes.left + eyes.right) / 2.0),
            points: largest.landmarks,
            size: area.sqrt(),
            frame_side,
            sharpness: largest.quality.sharpness,
            brightness: largest.quality.brightness,
            similarity: front.and_then(|front| front.similarity(template?)),
        })
    }
}

impl FaceSeen {
    /// What it is known again by.
    pub(super) fn mark(&self) -> FaceMark {
        FaceMark {
            pose: self.pose,
            points: self.points,
        }
    }
}
