//! A detector is tried on photographs before it is kept.

use std::path::Path;

use super::MODEL;
use super::add::AddError;
use super::trial::{ANOTHER, ONE, ONE_AGAIN};
use crate::domain::chosen::Chosen;
use crate::domain::detector::{Detector, DetectorManifest, OwnDetector};
use crate::domain::embedder::Embedder;
use crate::domain::face::{BoundingBox, Face, FivePoints};
use crate::vision::{
    AnalysisRequest, FaceBackend as _, ImageLimits, Layout, ModelFiles, OnnxBackend, Runtime,
};

/// Intersection over union of its box and the shipped detector's.
const MIN_OVERLAP: f32 = 0.4;
/// How far each point may be from ours, in parts of the distance of the eyes.
const MAX_DISTANCE: f32 = 0.25;
/// What is off, in the order of [`FivePoints`].
const POINTS: [&str; 5] = [
    "eye on the left",
    "eye on the right",
    "nose",
    "mouth's corner on the left",
    "mouth's corner on the right",
];

/// A photograph, and whether it shows nobody else.
const PHOTOGRAPHS: [(&[u8], bool); 3] = [(ONE, true), (ONE_AGAIN, false), (ANOTHER, true)];

/// Whether it finds the faces that the shipped detector finds, on photographs that are part of the program.
pub(super) fn try_detector(
    folder: &Path,
    manifest: &DetectorManifest,
    runtime: &'static Runtime,
    files: &ModelFiles,
) -> Result<(), AddError> {
    let own = OwnDetector {
        manifest: manifest.clone(),
        file: folder.join(MODEL),
    };
    let load = |detector: Detector| {
        let chosen = Chosen {
            detector,
            // No templates are made, and it is loaded in the shortest time.
            embedder: Embedder::FrFeature,
        };
        OnnxBackend::load(runtime, files, chosen, ImageLimits::default())
    };
    let mut shipped = load(Detector::Shipped)?;
    let mut own = load(Detector::Own(Box::leak(Box::new(own))))?;
    let request = AnalysisRequest::of(Layout::Selfie);
    for (photograph, alone) in PHOTOGRAPHS {
        let ours = shipped.analyse(photograph, &request)?.faces;
        let theirs = own.analyse(photograph, &request)?.faces;
        judge(&all(&ours), &all(&theirs), alone).map_err(AddError::OtherFaces)?;
    }
    Ok(())
}

/// Where a face is.
type Place = (BoundingBox, FivePoints);

fn all(faces: &[Face]) -> Vec<Place> {
    let place = |face: &Face| (face.bounding_box, face.landmarks);
    faces.iter().map(place).collect()
}

/// Of the faces that were found in a photograph, the largest first: that is the one that it is about.
fn judge(ours: &[Place], theirs: &[Place], alone: bool) -> Result<(), String> {
    let Some((our_box, our_points)) = ours.first() else {
        return Err("the shipped detector finds no face to compare with".to_owned());
    };
    let Some((their_box, their_points)) = theirs.first() else {
        return Err(
            "it finds no face in a photograph of one; is the least confidence right?".to_owned(),
        );
    };
    if alone && theirs.len() > 1 {
        return Err(format!(
            "it finds {} faces in a photograph of one; is the least confidence right?",
            theirs.len()
        ));
    }
    let overlap = our_box.overlap(their_box);
    if overlap < MIN_OVERLAP || overlap.is_nan() {
        return Err(format!(
            "its box of a face overlaps ours by {overlap:.2}, and has to by {MIN_OVERLAP}"
        ));
    }
    let eyes = our_points.inter_eye_distance();
    let pairs = our_points.all().into_iter().zip(their_points.all());
    for ((our, their), point) in pairs.zip(POINTS) {
        let distance = (our.x - their.x).hypot(our.y - their.y) / eyes;
        if distance > MAX_DISTANCE || distance.is_nan() {
            return Err(format!(
                "its {point} lies {distance:.2} distances of the eyes from ours, and may {MAX_DISTANCE}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::Point;

    /// A face of 100 x 100 pixels whose eyes are 40 apart.
    fn place(x: f32) -> Place {
        let bounding_box = BoundingBox {
            x,
            y: 0.0,
            width: 100.0,
            height: 100.0,
        };
        let points = [
            (30.0, 40.0),
            (70.0, 40.0),
            (50.0, 60.0),
            (35.0, 80.0),
            (65.0, 80.0),
        ];
        let points = points.map(|(left, y)| Point { x: x + left, y });
        (bounding_box, FivePoints::of(points))
    }

    #[test]
    fn a_detector_finds_what_the_shipped_one_finds() {
        let ours = [place(100.0)];
        assert_eq!(judge(&ours, &[place(108.0)], true), Ok(()));
        let two = [place(100.0), place(300.0)];
        assert_eq!(judge(&ours, &two, false), Ok(()));
        for (found, reason) in [
            (&[][..], "no face"),
            (&two, "2 faces"),
            (&[place(145.0)], "overlaps ours by 0.38"),
            (&[place(111.0)], "eye on the left lies 0.28"),
        ] {
            let refused = judge(&ours, found, true).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        assert!(judge(&[], &ours, true).is_err());
    }

    #[test]
    fn each_point_has_to_be_where_it_is() {
        let ours = [place(0.0)];
        for (at, name) in POINTS.into_iter().enumerate() {
            let (bounding_box, points) = place(0.0);
            let mut points = points.all();
            points[at].y += 10.5;
            let theirs = [(bounding_box, FivePoints::of(points))];
            let refused = judge(&ours, &theirs, true).unwrap_err();
            assert!(refused.contains(name), "{refused}");
        }
        let (bounding_box, points) = place(0.0);
        let mut mirrored = points;
        (mirrored.left_eye, mirrored.right_eye) = (points.right_eye, points.left_eye);
        let refused = judge(&ours, &[(bounding_box, mirrored)], true).unwrap_err();
        assert!(refused.contains("eye on the left lies 1.00"), "{refused}");
    }
}
