//! Large JPEGs are decoded at a part of their size, by a decoder of its own: in every way to write them it gives the right
//! pixels, and it takes no part of a picture for the whole.

use image::{Rgb, RgbImage};
use likeness::vision::{ImageLimits, decode_reduced};

use crate::cases::jpeg;
use crate::encode::jpeg::{Colour, Jpeg, Scans};
use crate::formats::{difference, is_refused, jpegs, smooth};
use crate::machine::photograph;

/// Those that large pictures are decoded at a part of their size in.
fn is_reducible(way: &Jpeg) -> bool {
    way.scans == Scans::Interleaved && matches!(way.colour, Colour::YCbCr | Colour::Grey)
}

#[test]
fn a_reduced_jpeg_shows_the_means_of_the_pixels_in_every_way_to_write_it() {
    let picture = smooth();
    let grey = Jpeg {
        colour: Colour::Grey,
        ..Jpeg::default()
    };
    let restarting = Jpeg {
        restart: 3,
        grid: [(2, 2); 4],
        ..grey.clone()
    };
    let mut ways = jpegs();
    ways.extend([("grey", grey), ("grey, restart 3", restarting)].map(|(n, w)| (n.to_owned(), w)));
    let (mut wrong, mut reduced) = (Vec::new(), 0);
    for (name, way) in ways {
        let encoded = way.encode(&picture);
        for reduction in [1, 2, 4, 8] {
            let Ok(decoded) = decode_reduced(&encoded, ImageLimits::default(), reduction) else {
                assert!(is_refused(&way), "{name}");
                continue;
            };
            assert_eq!(decoded.is_some(), is_reducible(&way), "{name}");
            let Some(decoded) = decoded else {
                continue;
            };
            reduced += 1;
            let expected = means(&picture, reduction, way.colour == Colour::Grey);
            let (most, mean) = difference(&decoded, &expected);
            if mean > 2.5 || most > 24 {
                wrong.push(format!("{name} 1/{reduction}: off by {most}, {mean:.1}"));
            }
        }
    }
    assert!(reduced > 100, "{reduced}");
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

/// The means of squares of pixels; at the edges, of what there is.
fn means(picture: &RgbImage, side: u32, grey: bool) -> RgbImage {
    let mut picture = picture.clone();
    for pixel in picture.pixels_mut().filter(|_| grey) {
        let [r, g, b] = pixel.0.map(f32::from);
        pixel.0 = [(0.299 * r + 0.587 * g + 0.114 * b).round() as u8; 3];
    }
    let (width, height) = picture.dimensions();
    RgbImage::from_fn(width.div_ceil(side), height.div_ceil(side), |x, y| {
        let across = x * side..((x + 1) * side).min(width);
        let down = y * side..((y + 1) * side).min(height);
        let pixels = || {
            down.clone()
                .flat_map(|y| across.clone().map(move |x| (x, y)))
        };
        let count = pixels().count() as u32;
        let mean = |c: usize| {
            let sum: u32 = pixels()
                .map(|(x, y)| u32::from(picture.get_pixel(x, y).0[c]))
                .sum();
            ((sum + count / 2) / count) as u8
        };
        Rgb([0, 1, 2].map(mean))
    })
}

#[test]
fn no_part_of_a_jpeg_is_taken_for_the_whole_when_it_is_reduced() {
    let limits = ImageLimits::default();
    let picture = photograph("astronaut.jpg", 160);
    let ways = jpegs();
    let ways = ways.iter().filter(|(_, way)| is_reducible(way));
    let mut encoded: Vec<Vec<u8>> = ways.map(|(_, way)| way.encode(&picture)).collect();
    encoded.push(jpeg(&picture));
    for whole in &encoded {
        let taken = |bytes: &[u8]| matches!(decode_reduced(bytes, limits, 2), Ok(Some(_)));
        assert!(taken(whole));
        for part in 1..64 {
            let cut = &whole[..whole.len() * part / 64];
            let filled = |byte: u8| {
                let mut filled = cut.to_vec();
                filled.resize(whole.len() - 2, byte);
                [&filled[..], &[0xFF, 0xD9]].concat()
            };
            assert!(!taken(cut), "cut at {part}/64");
            assert!(!taken(&[cut, &[0xFF, 0xD9]].concat()), "ended at {part}/64");
            assert!(!taken(&filled(0xFF)), "0xFF from {part}/64");
        }
    }
}
