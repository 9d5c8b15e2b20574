//! In every legal format a picture gets the score that it has as a plain JPEG.

use futures_util::future::join_all;
use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage, imageops};

use crate::cases::{jpeg, plain_png};
use crate::encode::jpeg::{Colour, Jpeg};
use crate::encode::png::{Header, chunk, png};
use crate::encode::webp;
use crate::formats::{is_refused, jpegs};
use crate::machine::{alone, detect, fixture, photograph, real_app, similarity};
use crate::orientation::inverse;

/// How far a score may move with the format.
const TOLERANCE: f64 = 0.02;

/// The JPEG that a variant is held to.
#[derive(Clone, Copy)]
enum Plain {
    Colour,
    Grey,
}

#[tokio::test]
async fn the_score_is_that_of_the_plain_jpeg_in_every_legal_format() {
    let _alone = alone().await;
    let document = fixture("document_obama.jpg");
    let picture = photograph("obama.jpg", 460);
    let grey = DynamicImage::from(imageops::grayscale(&picture)).into_rgb8();
    let header = |depth, colour, interlaced| {
        let (width, height) = picture.dimensions();
        Header {
            width,
            height,
            depth,
            colour,
            interlaced,
        }
    };
    let level = |x, y, c: usize| u16::from(picture.get_pixel(x, y).0[c]);
    let wide = |x, y, c| level(x, y, c) << 8 | level(x, y, c);
    let grey_level = |x, y, _: usize| u16::from(grey.get_pixel(x, y).0[0]);
    let opaque = |x, y, c| if c == 3 { 255 } else { level(x, y, c) };
    let ramp: Vec<u8> = (0..=255).flat_map(|i| [i; 3]).collect();
    let mut variants = vec![
        (
            "PNG",
            png(header(8, 2, false), &[], level, &[]),
            Plain::Colour,
        ),
        (
            "interlaced PNG",
            png(header(8, 2, true), &[], level, &[]),
            Plain::Colour,
        ),
        (
            "PNG of 16 bits",
            png(header(16, 2, false), &[], wide, &[]),
            Plain::Colour,
        ),
        (
            "PNG with alpha",
            png(header(8, 6, true), &[], opaque, &[]),
            Plain::Colour,
        ),
        (
            "grey PNG",
            png(header(8, 0, false), &[], grey_level, &[]),
            Plain::Grey,
        ),
        (
            "palette PNG",
            png(
                header(8, 3, false),
                &[chunk(b"PLTE", &ramp)],
                grey_level,
                &[],
            ),
            Plain::Grey,
        ),
        (
            "WebP",
            webp::riff(&[webp::lossless(&picture)]),
            Plain::Colour,
        ),
        (
            "grey JPEG",
            Jpeg {
                colour: Colour::Grey,
                ..Jpeg::default()
            }
            .encode(&grey),
            Plain::Grey,
        ),
    ];
    let orientations = (2..=8).map(|number| {
        (
            format!("JPEG of orientation {number}"),
            turned(&picture, number),
        )
    });
    let orientations: Vec<_> = orientations.collect();
    variants.extend(
        orientations
            .iter()
            .map(|(name, encoded)| (name.as_str(), encoded.clone(), Plain::Colour)),
    );
    let jpegs = jpegs();
    // Restarts are all told apart by the pixels above; one kind of them will do here.
    variants.extend(
        jpegs
            .iter()
            .filter(|(name, way)| name.ends_with("restart 7") && !is_refused(way))
            .map(|(name, way)| (name.as_str(), way.encode(&picture), Plain::Colour)),
    );
    // Everything is encoded by now: a connection that is idle meanwhile would be closed.
    let app = real_app().await;
    let score = |encoded: Vec<u8>| similarity(&app, encoded, document.clone());
    let (plain, plain_grey) = (score(jpeg(&picture)).await, score(jpeg(&grey)).await);
    assert!(plain > 0.6, "{plain}");
    let count = variants.len();
    let (mut most, mut wrong) = ((0.0, ""), Vec::new());
    for (name, encoded, expected) in variants {
        let expected = match expected {
            Plain::Colour => plain,
            Plain::Grey => plain_grey,
        };
        let change = (score(encoded).await - expected).abs();
        if change > most.0 {
            most = (change, name);
        }
        if change > TOLERANCE {
            wrong.push(format!("{name}: {change:.3}"));
        }
    }
    eprintln!("{count} formats: the score of {plain} moved by {most:?} at most");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A JPEG that lies in its file in another way, and says so.
fn turned(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let orientation = Orientation::from_exif(orientation).unwrap();
    let mut stored = DynamicImage::from(picture.clone());
    stored.apply_orientation(inverse(orientation));
    let way = Jpeg {
        orientation: Some(orientation),
        ..Jpeg::default()
    };
    way.encode(&stored.into_rgb8())
}

/// Which of so many greys stands for a pixel: in each square of sixteen the rounding differs, so that they come out right
/// on average.
fn shade(picture: &RgbImage, x: u32, y: u32, greys: u32) -> u32 {
    const ORDER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
    let level = u32::from(picture.get_pixel(x, y).0[0]);
    let threshold = ORDER[(y % 4) as usize][(x % 4) as usize];
    (level * (greys - 1) * 16 + threshold * 255 + 127) / (255 * 16)
}

#[tokio::test]
async fn a_picture_of_two_four_or_sixteen_greys_scores_as_its_pixels_do() {
    let _alone = alone().await;
    let document = fixture("document_obama.jpg");
    let picture =
        DynamicImage::from(imageops::grayscale(&photograph("obama.jpg", 910))).into_rgb8();
    let mut variants = Vec::new();
    for depth in [1, 2, 4] {
        let greys = 1 << depth;
        let index = |x, y, _: usize| shade(&picture, x, y, greys) as u16;
        let grey = |index: u32| (index * 255 / (greys - 1)) as u8;
        let (width, height) = picture.dimensions();
        let pixels = RgbImage::from_fn(width, height, |x, y| {
            Rgb([grey(shade(&picture, x, y, greys)); 3])
        });
        let palette: Vec<u8> = (0..greys).flat_map(|index| [grey(index); 3]).collect();
        let header = |colour| Header {
            width,
            height,
            depth,
            colour,
            interlaced: false,
        };
        let encoded = [
            png(header(3), &[chunk(b"PLTE", &palette)], index, &[]),
            png(header(0), &[], index, &[]),
        ];
        variants.push((greys, plain_png(&pixels), encoded));
    }
    let app = real_app().await;
    for (greys, plain, encoded) in variants {
        let expected = similarity(&app, plain, document.clone()).await;
        eprintln!("{greys} greys: {expected}");
        for encoded in encoded {
            let score = similarity(&app, encoded, document.clone()).await;
            assert_eq!(score, expected, "{greys} greys");
        }
    }
}

/// A thousand times under load; takes minutes without optimisation.
#[tokio::test]
#[ignore = "it takes minutes; CONTRIBUTING.md has the command"]
async fn a_pair_has_the_same_score_a_thousand_times_under_load() {
    const CALLERS: usize = 8;
    let _alone = alone().await;
    let (source, target) = (
        jpeg(&photograph("obama.jpg", 460)),
        jpeg(&photograph("obama2.jpg", 460)),
    );
    let (other, crowd) = (fixture("no_face.jpg"), fixture("two_faces.jpg"));
    let app = real_app().await;
    let callers = (0..CALLERS).map(async |_| {
        let mut scores = Vec::new();
        for turn in 0..1_000 / CALLERS {
            scores.push(similarity(&app, source.clone(), target.clone()).await);
            // Something else is looked at between, so that nothing is the same by staying where it is.
            let between = if turn % 2 == 0 { &other } else { &crowd };
            detect(&app, between.clone()).await;
        }
        scores
    });
    let scores = join_all(callers).await.concat();
    eprintln!(
        "{} scores of one pair, the first {}",
        scores.len(),
        scores[0]
    );
    assert_eq!(scores.len(), 1_000);
    assert!(scores.iter().all(|score| *score == scores[0]));
}
