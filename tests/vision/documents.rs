//! Portraits on documents, and what else there looks like a face.

use image::{Rgb, RgbImage, imageops};
use likeness::domain::face::BoundingBox;

use crate::{analyse, face};
use crate::{fixture, models, photograph, png, portrait, similarity, threshold};
use likeness::vision::Layout;

/// Where `fixtures/compose.py` puts the portrait and the ghost of a passport: left, top, width and height.
const PORTRAIT: [f32; 4] = [193.0, 305.0, 375.0, 483.0];
const GHOST: [u32; 4] = [1236, 562, 156, 201];

/// The page lies a little turned, so its corners are some pixels off.
fn lies_within(found: &BoundingBox, [x, y, width, height]: [f32; 4]) -> bool {
    let slack = 40.0;
    found.x > x - slack
        && found.y > y - slack
        && found.x + found.width < x + width + slack
        && found.y + found.height < y + height + slack
}

#[test]
fn of_portrait_and_ghost_the_portrait_is_taken() {
    let backend = &mut models();
    for name in [
        "document_obama.jpg",
        "document_biden.jpg",
        "document_astronaut.jpg",
    ] {
        let found = portrait(backend, &fixture(name)).bounding_box;
        assert!(lies_within(&found, PORTRAIT), "{name}: {found:?}");
        assert!(found.width > 0.4 * PORTRAIT[2], "{name}: {found:?}");
    }
}

/// The passport of one man with the face of another in place of its ghost, printed as strongly as a part of `ink`.
fn with_ghost(ink: f32) -> RgbImage {
    let mut page = photograph("document_obama.jpg");
    let face = {
        let found = face(&mut models(), &fixture("biden.jpg")).bounding_box;
        let [x, y, w, h] = [found.x, found.y, found.width, found.height];
        let [left, top] = [x - 0.3 * w, y - 0.3 * h].map(|edge| edge.max(0.0) as u32);
        imageops::crop_imm(
            &photograph("biden.jpg"),
            left,
            top,
            (1.6 * w) as u32,
            (1.6 * h) as u32,
        )
        .to_image()
    };
    let [x, y, width, height] = GHOST;
    let ghost = imageops::resize(&face, width, height, imageops::FilterType::Triangle);
    for (dx, dy, Rgb(tone)) in ghost.enumerate_pixels() {
        let below = page.get_pixel_mut(x + dx, y + dy);
        for (under, over) in below.0.iter_mut().zip(tone) {
            *under = (f32::from(*under) * (1.0 - ink) + f32::from(*over) * ink) as u8;
        }
    }
    page
}

#[test]
fn a_ghost_of_somebody_else_is_not_the_portrait_however_strongly_it_is_printed() {
    let backend = &mut models();
    let [bearer, other] = ["obama.jpg", "biden.jpg"].map(|name| face(backend, &fixture(name)));
    let mut seen = false;
    for ink in [0.5, 1.0] {
        let faces = analyse(backend, &png(with_ghost(ink)), Layout::Document).faces;
        assert!(lies_within(&faces[0].bounding_box, PORTRAIT), "{ink}");
        assert!(similarity(&faces[0], &bearer) >= threshold(), "{ink}");
        assert!(similarity(&faces[0], &other) < threshold() - 0.1, "{ink}");
        seen |= faces[1..]
            .iter()
            .any(|ghost| similarity(ghost, &other) >= threshold());
    }
    assert!(
        seen,
        "the ghost is taken for a face at least where it is printed in full"
    );
}
