//! What is measured of a face: its pose, its quality and its eyes.

use image::{RgbImage, imageops};
use likeness::domain::decision::FaceQuality;
use likeness::domain::quality::score;

use crate::{face, fixture, models, photograph, png};

#[test]
fn turning_and_tilting_have_the_signs_that_the_pose_promises() {
    let backend = &mut models();
    // He looks towards the picture's right, with his head tilted to it.
    let picture = photograph("biden.jpg");
    let pose = face(backend, &png(picture.clone())).pose.unwrap();
    assert!(pose.yaw < -5.0 && pose.roll > 3.0, "{pose:?}");
    let mirrored = face(backend, &png(imageops::flip_horizontal(&picture)))
        .pose
        .unwrap();
    assert!(mirrored.yaw > 5.0 && mirrored.roll < -3.0, "{mirrored:?}");
    assert!((mirrored.pitch - pose.pitch).abs() < 6.0, "{mirrored:?}");
}

#[test]
fn a_worse_picture_of_the_same_face_has_worse_components_and_a_lower_score() {
    let backend = &mut models();
    let mut measure = |picture: RgbImage| {
        let quality = FaceQuality::of(&face(backend, &png(picture)));
        let details = quality.measures.details.unwrap();
        (quality.measures, details, score(&quality).unwrap())
    };
    let picture = photograph("astronaut.jpg");
    let (measures, details, good) = measure(picture.clone());
    let (blurred, _, blurred_score) = measure(imageops::blur(&picture, 4.0));
    assert!(blurred.sharpness < 0.2 * measures.sharpness);
    assert!(blurred_score < good - 5.0, "{blurred_score} {good}");
    let scaled = |light: fn(u32) -> f32| {
        let mut lit = picture.clone();
        for (x, _, pixel) in lit.enumerate_pixels_mut() {
            pixel.0 = pixel.0.map(|v| (f32::from(v) * light(x)).min(255.0) as u8);
        }
        lit
    };
    let (_, dark, _) = measure(scaled(|_| 0.3));
    assert!(
        dark.under_exposure > details.under_exposure + 0.02,
        "{dark:?}"
    );
    assert!(dark.dynamic_range < details.dynamic_range - 0.5, "{dark:?}");
    let (_, bright, _) = measure(scaled(|_| 1.8));
    assert!(
        bright.over_exposure > details.over_exposure + 0.1,
        "{bright:?}"
    );
    // The face is 84 pixels wide around 226. An edge down its middle would move its landmarks, and with them the halves.
    let side = scaled(|x| (0.3 + 0.7 * (x as f32 - 206.0) / 40.0).clamp(0.3, 1.0));
    let (_, lit, _) = measure(side);
    assert!(
        lit.illumination_uniformity < 0.7 * details.illumination_uniformity,
        "{lit:?}"
    );
    let (_, cut, _) = measure(imageops::crop_imm(&picture, 186, 0, 300, 400).to_image());
    assert!(
        cut.margin < 0.05 && details.margin > 0.5,
        "{cut:?} {details:?}"
    );
}

/// Skin from below drawn over a part of a face: over an eye it looks like a lid.
fn covered(picture: &RgbImage, centre: (f32, f32), width: f32) -> RgbImage {
    let mut covered = picture.clone();
    let reach = |share: f32| (share * width) as i32;
    for dx in -reach(0.75)..reach(0.75) {
        for dy in -reach(0.4)..reach(0.4) {
            let from = 0.625 * width + 0.44 * dy as f32;
            let x = (centre.0 as i32 + dx) as u32;
            let skin = *picture.get_pixel(x, (centre.1 + from) as u32);
            covered.put_pixel(x, (centre.1 as i32 + dy) as u32, skin);
        }
    }
    covered
}

#[test]
fn a_covered_eye_is_the_persons_own_left_or_right_one_and_the_other_stays_open() {
    let backend = &mut models();
    let picture = photograph("astronaut.jpg");
    let seen = face(backend, &fixture("astronaut.jpg"));
    let open = seen.eyes.unwrap();
    assert!(open.left > 0.9 && open.right > 0.9, "{open:?}");
    // The person's left eye is the one on the picture's right.
    let eye = seen.landmarks.right_eye;
    let winking = covered(&picture, (eye.x, eye.y), 16.4);
    let eyes = face(backend, &png(winking.clone())).eyes.unwrap();
    assert!(eyes.left < 0.1 && eyes.right > 0.9, "{eyes:?}");
    let mirrored = imageops::flip_horizontal(&winking);
    let eyes = face(backend, &png(mirrored)).eyes.unwrap();
    assert!(eyes.left > 0.9 && eyes.right < 0.1, "{eyes:?}");
}
