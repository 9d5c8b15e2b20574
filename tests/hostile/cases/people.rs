//! Pictures of people, put together from the fixtures.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::jpeg;
use crate::machine::{fixture, photograph};

/// A head and what is around it, on a photograph at its own size: left, top, width, height.
const HEADS: [(&str, [u32; 4]); 3] = [
    ("obama.jpg", [280, 0, 430, 500]),
    ("biden.jpg", [180, 30, 270, 314]),
    ("astronaut.jpg", [135, 0, 180, 209]),
];
/// Across in a crowd.
const HEAD: u32 = 128;

fn picture(name: &str) -> RgbImage {
    image::load_from_memory(&fixture(name)).unwrap().into_rgb8()
}

/// A head of such a size.
fn head(number: usize, width: u32, height: u32) -> RgbImage {
    let (name, [left, top, across, down]) = HEADS[number % HEADS.len()];
    let head = imageops::crop_imm(&picture(name), left, top, across, down).to_image();
    imageops::resize(&head, width, height, FilterType::Triangle)
}

/// So many heads in rows.
pub fn crowd(rows: u32, columns: u32) -> Vec<u8> {
    let height = HEAD * 7 / 6;
    let mut crowd = RgbImage::new(columns * HEAD, rows * height);
    let heads: Vec<_> = (0..HEADS.len()).map(|n| head(n, HEAD, height)).collect();
    for number in 0..rows * columns {
        let (column, row) = (number % columns, number / columns);
        let head = &heads[number as usize % heads.len()];
        imageops::replace(
            &mut crowd,
            head,
            i64::from(column * HEAD),
            i64::from(row * height),
        );
    }
    jpeg(&crowd)
}

/// The document of a fixture with the small portrait of somebody else in place of its own.
pub fn with_ghost(document: &str, ghost: usize) -> Vec<u8> {
    let mut document = picture(document);
    let ghost = head(ghost, 150, 175);
    imageops::replace(&mut document, &ghost, 1_230, 555);
    jpeg(&document)
}

/// Somebody who holds a document below the face.
pub fn holding(document: &str) -> Vec<u8> {
    let mut selfie = picture("obama.jpg");
    let card = photograph(document, 600);
    imageops::replace(&mut selfie, &card, 155, 640);
    jpeg(&selfie)
}

/// A selfie of such a distance between the eyes, which are 101.1 pixels apart on the photograph.
pub fn selfie(eyes: u32) -> Vec<u8> {
    jpeg(&photograph("obama.jpg", eyes * 9_100 / 1_011))
}
