//! Legal oddities of the formats give the same pixels, or are refused.

use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage};
use likeness::vision::{ImageLimits, VisionError, decode};

use crate::cases::plain_png;
use crate::encode::jpeg::{Colour, Jpeg, Scans, segment};
use crate::encode::png::{Header, chunk, deflated, png};
use crate::encode::{exif, webp};
use crate::machine::photograph;
use crate::orientation::inverse;

fn pixels(encoded: &[u8]) -> RgbImage {
    decode(encoded, ImageLimits::default()).unwrap()
}

/// The largest difference of one channel of one pixel, and the mean.
pub fn difference(a: &RgbImage, b: &RgbImage) -> (u8, f64) {
    assert_eq!(a.dimensions(), b.dimensions());
    let each = a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = each.clone().map(u64::from).sum();
    (each.max().unwrap(), sum as f64 / a.len() as f64)
}

const ALL_SCANS: [Scans; 4] = [
    Scans::Interleaved,
    Scans::Separate,
    Scans::Progressive,
    Scans::ProgressiveSeparate,
];
/// 4:4:4, 4:2:2, 4:4:0, 4:2:0, 4:1:1, 4:1:0.
const GRIDS: [(usize, usize); 6] = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2)];

/// Every way to write a JPEG that is read, with its name.
pub fn jpegs() -> Vec<(String, Jpeg)> {
    let mut ways = Vec::new();
    for scans in ALL_SCANS {
        for restart in [0, 1, 7] {
            for grid in GRIDS {
                let name = format!("{grid:?} {scans:?} restart {restart}");
                let grid = [grid, (1, 1), (1, 1), grid];
                let base = Jpeg {
                    grid,
                    scans,
                    restart,
                    ..Jpeg::default()
                };
                ways.push((format!("YCbCr {name}"), base.clone()));
                let adobe = Some(1);
                ways.push((
                    format!("YCbCr by Adobe {name}"),
                    Jpeg {
                        adobe,
                        ..base.clone()
                    },
                ));
                let (colour, adobe) = (Colour::Ycck, Some(2));
                ways.push((
                    format!("YCCK {name}"),
                    Jpeg {
                        colour,
                        adobe,
                        ..base.clone()
                    },
                ));
            }
            for (colour, adobe, ids) in [
                (Colour::Rgb, Some(0), [1, 2, 3, 4]),
                (Colour::Rgb, None, *b"RGBK"),
                (Colour::Cmyk, Some(0), [1, 2, 3, 4]),
                (Colour::Cmyk, Some(0), *b"CMYK"),
            ] {
                let way = Jpeg {
                    colour,
                    adobe,
                    ids,
                    scans,
                    restart,
                    ..Jpeg::default()
                };
                ways.push((
                    format!("{colour:?} {ids:?} {scans:?} restart {restart}"),
                    way,
                ));
            }
        }
    }
    ways
}

/// Those that the decoder would garble.
pub fn is_refused(way: &Jpeg) -> bool {
    way.scans == Scans::Separate
}

/// Smooth in colour, so that coarse grids of colour lose nothing worth telling.
pub fn smooth() -> RgbImage {
    RgbImage::from_fn(83, 61, |x, y| {
        Rgb([(60 + x * 2) as u8, (200 - y * 2) as u8, (40 + x + y) as u8])
    })
}

#[test]
fn every_way_to_write_a_jpeg_gives_the_same_pixels() {
    let picture = smooth();
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (name, way) in jpegs() {
        match decode(&way.encode(&picture), ImageLimits::default()) {
            Ok(decoded) => {
                let (most, mean) = difference(&decoded, &picture);
                if mean > 2.5 || most > 24 {
                    wrong.push(format!("{name}: off by {most}, {mean:.1} on average"));
                }
            }
            Err(VisionError::UnsupportedImage) if is_refused(&way) => refused += 1,
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(refused > 0);
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

#[test]
fn grey_jpegs_give_the_same_pixels_whatever_grid_they_name() {
    let ramp = RgbImage::from_fn(83, 61, |x, y| Rgb([(30 + x * 2 + y) as u8; 3]));
    for scans in [Scans::Interleaved, Scans::ProgressiveSeparate] {
        for restart in [0, 3] {
            let colour = Colour::Grey;
            let way = Jpeg {
                colour,
                scans,
                restart,
                ..Jpeg::default()
            };
            let (most, _) = difference(&pixels(&way.encode(&ramp)), &ramp);
            assert!(most <= 4, "{scans:?} {restart}: {most}");
        }
    }
}

#[test]
fn every_depth_and_colour_of_png_gives_the_same_pixels_interlaced_or_not() {
    let (width, height) = (37, 23);
    let ramp = |x: u32, y: u32, channel: usize| (x * 5 + y * 3 + channel as u32 * 40) as u16 & 0xFF;
    for interlaced in [false, true] {
        for (colour, depth) in [
            (0, 1),
            (0, 2),
            (0, 4),
            (0, 8),
            (0, 16),
            (2, 8),
            (2, 16),
            (3, 1),
            (3, 2),
            (3, 4),
            (3, 8),
            (4, 8),
            (4, 16),
            (6, 8),
            (6, 16),
        ] {
            let header = Header {
                width,
                height,
                depth,
                colour,
                interlaced,
            };
            let levels = 1_u32 << depth.min(8);
            let level = |x, y, c| u32::from(ramp(x, y, c)) % levels;
            // A palette of greens, so that an index taken for a level shows.
            let colours: Vec<u8> = (0..levels.min(256))
                .flat_map(|i| [7, (i * 255 / (levels - 1)) as u8, 9])
                .collect();
            let before = if colour == 3 {
                vec![chunk(b"PLTE", &colours)]
            } else {
                Vec::new()
            };
            let alpha = match colour {
                4 => Some(1),
                6 => Some(3),
                _ => None,
            };
            let sample = |x: u32, y: u32, c: usize| {
                let value = if alpha == Some(c) {
                    255
                } else {
                    level(x, y, c) as u16
                };
                if depth == 16 {
                    value << 8 | value
                } else {
                    value
                }
            };
            let expected = RgbImage::from_fn(width, height, |x, y| {
                let full = |c| (level(x, y, c) * 255 / (levels - 1)) as u8;
                match colour {
                    2 | 6 => Rgb([full(0), full(1), full(2)]),
                    3 => Rgb([7, full(0), 9]),
                    _ => Rgb([full(0); 3]),
                }
            });
            let decoded = pixels(&png(header, &before, sample, &[]));
            assert_eq!(
                difference(&decoded, &expected).0,
                0,
                "colour {colour} in {depth} bits, interlaced {interlaced}"
            );
        }
    }
}

#[test]
fn transparent_pixels_are_white_and_hide_what_they_hold() {
    let header = |colour, depth| Header {
        width: 3,
        height: 1,
        depth,
        colour,
        interlaced: false,
    };
    // Opaque, half, clear; the colour below is always dark.
    let alphas = [255, 128, 0];
    let expected = [[10, 20, 30], [132, 137, 142], [255, 255, 255]];
    let rgba = png(
        header(6, 8),
        &[],
        |x, _, c| {
            if c == 3 {
                alphas[x as usize]
            } else {
                10 * (c as u16 + 1)
            }
        },
        &[],
    );
    let palette = [
        chunk(b"PLTE", &[10, 20, 30, 10, 20, 30, 10, 20, 30]),
        chunk(b"tRNS", &[255, 128, 0]),
    ];
    let indexed = png(header(3, 8), &palette, |x, _, _| x as u16, &[]);
    for encoded in [rgba, indexed] {
        let decoded = pixels(&encoded);
        assert_eq!([0, 1, 2].map(|x| decoded.get_pixel(x, 0).0), expected);
    }
    let keyed = png(
        header(0, 8),
        &[chunk(b"tRNS", &[0, 1])],
        |x, _, _| x as u16,
        &[],
    );
    assert_eq!(
        [0, 1, 2].map(|x| pixels(&keyed).get_pixel(x, 0).0[0]),
        [0, 255, 2]
    );
}

#[test]
fn gamma_and_profiles_are_tolerated_and_change_nothing() {
    let picture = photograph("astronaut.jpg", 64);
    let plain = pixels(&plain_png(&picture));
    let header = Header {
        width: 64,
        height: picture.height(),
        depth: 8,
        colour: 2,
        interlaced: false,
    };
    let profile = [&b"Display P3\0\0"[..], &deflated(&[0; 512])].concat();
    for extra in [
        chunk(b"gAMA", &45_455_u32.to_be_bytes()),
        chunk(b"gAMA", &1_u32.to_be_bytes()),
        chunk(b"sRGB", &[0]),
        chunk(b"cHRM", &[0; 32]),
        chunk(b"iCCP", &profile),
        chunk(b"pHYs", &[0; 9]),
        chunk(b"teXt", &[0xFF; 99]),
    ] {
        let sample = |x, y, c: usize| u16::from(picture.get_pixel(x, y).0[c]);
        assert_eq!(pixels(&png(header, &[extra], sample, &[])), plain);
    }
    let mut extra = Vec::new();
    segment(
        &mut extra,
        0xE2,
        &[&b"ICC_PROFILE\0\x01\x01"[..], &[0; 512]].concat(),
    );
    let way = Jpeg::default();
    let with_profile = Jpeg {
        extra,
        ..Jpeg::default()
    };
    assert_eq!(
        pixels(&with_profile.encode(&picture)),
        pixels(&way.encode(&picture))
    );
}

#[test]
fn of_an_animation_the_first_frame_counts() {
    let (first, second) = (photograph("astronaut.jpg", 64), RgbImage::new(64, 64));
    let frames = [webp::lossless(&first), webp::lossless(&second)];
    // Frames are blended onto the canvas, which may round.
    let decoded = pixels(&webp::animation(64, first.height(), &frames));
    assert!(difference(&decoded, &first).0 <= 1);
}

#[test]
fn all_orientations_are_undone_wherever_the_format_keeps_them() {
    let upright = photograph("astronaut.jpg", 64);
    for number in 1..=8 {
        let orientation = Orientation::from_exif(number).unwrap();
        let mut stored = DynamicImage::from(upright.clone());
        stored.apply_orientation(inverse(orientation));
        let stored = stored.into_rgb8();
        let (width, height) = stored.dimensions();
        let header = Header {
            width,
            height,
            depth: 8,
            colour: 2,
            interlaced: false,
        };
        let sample = |x, y, c: usize| u16::from(stored.get_pixel(x, y).0[c]);
        let note = [chunk(b"eXIf", &exif(orientation))];
        let lossless = [
            webp::canvas(8, width, height),
            webp::lossless(&stored),
            webp::chunk(b"EXIF", &exif(orientation)),
        ];
        for (name, encoded) in [
            ("PNG, before the pixels", png(header, &note, sample, &[])),
            ("PNG, behind the pixels", png(header, &[], sample, &note)),
            ("WebP", webp::riff(&lossless)),
        ] {
            assert_eq!(pixels(&encoded), upright, "{name} {number}");
        }
        let way = Jpeg {
            orientation: Some(orientation),
            ..Jpeg::default()
        };
        let (_, mean) = difference(&pixels(&way.encode(&stored)), &upright);
        assert!(mean < 2.0, "JPEG {number}: {mean}");
    }
}
