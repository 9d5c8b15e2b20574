//! What takes far more memory or time than its bytes promise.

use image::RgbImage;

use super::{Case, Expected, header, jpeg_header, with_chunk, zeros};
use crate::encode::jpeg::{Jpeg, Scans, segment};
use crate::encode::png::{self, Header, chunk, deflated, deflated_zeros};
use crate::encode::webp;

/// A progressive JPEG of which there are only the scans' headers: the decoder makes up what is not there.
fn empty_scans(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let mut bytes = jpeg_header(2, width, height, 1);
    let start = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    bytes.truncate(start);
    segment(&mut bytes, 0xDA, &[1, 1, 0, 0, 0, 1]);
    for _ in 1..scans {
        segment(&mut bytes, 0xDA, &[1, 1, 0, 1, 63, 1]);
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

/// What takes far more memory or time than its bytes promise.
pub fn bombs() -> Vec<Case> {
    use Expected::{Corrupt, Faces, ReadOrRefused, TooLarge, Unsupported};
    let mut cases = Vec::new();
    let mut add = |name: &str, bytes, expected| {
        cases.push(Case::new(format!("bomb: {name}"), bytes, expected))
    };
    for (width, height) in [
        (30_000, 30_000),
        (20_001, 1),
        (1, 20_001),
        (65_535, 65_535),
        (7_072, 7_072),
    ] {
        add(
            &format!("PNG header {width}x{height}"),
            zeros(header(width, height, 2, 8), 64),
            TooLarge,
        );
        let interlaced = Header {
            interlaced: true,
            ..header(width, height, 2, 8)
        };
        add(
            &format!("interlaced PNG header {width}x{height}"),
            zeros(interlaced, 64),
            TooLarge,
        );
    }
    add(
        "PNG of 30000x30000 zeros",
        zeros(header(30_000, 30_000, 0, 1), 30_000 * 3_751),
        TooLarge,
    );
    add(
        "PNG of 20000x2500 zeros",
        zeros(header(20_000, 2_500, 0, 8), 2_500 * 20_001),
        Faces(0),
    );
    add(
        "PNG of 3500x3500 in RGBA",
        zeros(header(3_500, 3_500, 6, 8), 3_500 * 14_001),
        Faces(0),
    );
    add(
        "PNG header 16384x16384 in RGBA",
        zeros(header(16_384, 16_384, 6, 8), 64),
        TooLarge,
    );
    add(
        "PNG of 7000x7000 in RGBA of 16 bits",
        zeros(header(7_000, 7_000, 6, 16), 64),
        TooLarge,
    );
    add(
        "PNG whose header promises 7000x7000 that are not there",
        zeros(header(7_000, 7_000, 2, 8), 64),
        Corrupt,
    );
    add(
        "PNG header 2147483647x1",
        zeros(header(0x7FFF_FFFF, 1, 2, 8), 64),
        Corrupt,
    );
    add("PNG of no width", zeros(header(0, 5, 2, 8), 64), Corrupt);
    let text = |mut name: Vec<u8>, zeros| {
        name.extend(deflated_zeros(zeros));
        name
    };
    for mebibytes in [1, 64, 256, 1024] {
        let bytes = mebibytes << 20;
        add(
            &format!("zTXt of {mebibytes} MiB"),
            with_chunk(b"zTXt", &text(b"k\0\0".to_vec(), bytes)),
            Faces(0),
        );
        add(
            &format!("iTXt of {mebibytes} MiB"),
            with_chunk(b"iTXt", &text(b"k\0\x01\0\0\0".to_vec(), bytes)),
            Faces(0),
        );
        add(
            &format!("XMP of {mebibytes} MiB"),
            with_chunk(
                b"iTXt",
                &text(b"XML:com.adobe.xmp\0\x01\0\0\0".to_vec(), bytes),
            ),
            Faces(0),
        );
        add(
            &format!("iCCP of {mebibytes} MiB"),
            with_chunk(b"iCCP", &text(b"k\0\0".to_vec(), bytes)),
            ReadOrRefused,
        );
    }
    let texts = vec![chunk(b"zTXt", &text(b"k\0\0".to_vec(), 1 << 20)); 1_000];
    add(
        "1000 zTXt of 1 MiB",
        png::png(header(8, 8, 0, 8), &texts, |_, _, _| 128, &[]),
        Faces(0),
    );
    for process in [0, 1, 2] {
        add(
            &format!("JPEG header 65500x65500, process {process}"),
            jpeg_header(process, 65_500, 65_500, 3),
            TooLarge,
        );
        add(
            &format!("JPEG header 65500x700, process {process}"),
            jpeg_header(process, 65_500, 700, 3),
            TooLarge,
        );
    }
    add(
        "progressive JPEG of 7000x7000 in colour",
        jpeg_header(2, 7_000, 7_000, 3),
        TooLarge,
    );
    add(
        "JPEG whose header promises 7000x7000 that are not there",
        jpeg_header(0, 7_000, 7_000, 3),
        Corrupt,
    );
    for scans in [65, 1_000, 10_000] {
        add(
            &format!("progressive JPEG of {scans} empty scans"),
            empty_scans(7_000, 7_000, scans),
            Unsupported,
        );
    }
    add(
        "progressive JPEG of 64 empty scans",
        empty_scans(7_000, 7_000, 64),
        ReadOrRefused,
    );
    let idle = Jpeg {
        scans: Scans::Progressive,
        idle_scans: 2_000,
        ..Jpeg::default()
    };
    add(
        "progressive JPEG of 2000 idle scans",
        idle.encode(&RgbImage::new(64, 64)),
        Unsupported,
    );
    let padding = |marker, count: usize| {
        let mut extra = Vec::new();
        (0..count).for_each(|_| segment(&mut extra, marker, &[0; 60_000]));
        Jpeg {
            extra,
            ..Jpeg::default()
        }
        .encode(&RgbImage::new(16, 16))
    };
    add("JPEG of 150 comments", padding(0xFE, 150), Faces(0));
    add("JPEG of 150 profiles", padding(0xE2, 150), Faces(0));
    for (width, height) in [(16_383, 16_383), (16_383, 4_000)] {
        let (w, h) = (u32::from(width), u32::from(height));
        add(
            &format!("lossy WebP header {width}x{height}"),
            webp::riff(&[webp::lossy_header(width, height, 64)]),
            TooLarge,
        );
        add(
            &format!("lossless WebP header {width}x{height}"),
            webp::riff(&[webp::lossless_header(w, h)]),
            TooLarge,
        );
        add(
            &format!("small WebP canvas around a lossy {width}x{height}"),
            webp::riff(&[
                webp::canvas(0, 10, 10),
                webp::lossy_header(width, height, 100_000),
            ]),
            TooLarge,
        );
        add(
            &format!("small WebP canvas around a lossless {width}x{height}"),
            webp::riff(&[webp::canvas(0, 10, 10), webp::lossless_header(w, h)]),
            TooLarge,
        );
        add(
            &format!("WebP animation around a {width}x{height}"),
            webp::animation(10, 10, &[webp::lossy_header(width, height, 100_000)]),
            TooLarge,
        );
        add(
            &format!("WebP canvas {width}x{height}"),
            webp::riff(&[webp::canvas(0, w, h), webp::lossless(&RgbImage::new(8, 8))]),
            TooLarge,
        );
    }
    add(
        "WebP canvas of 16777216x16777216",
        webp::riff(&[
            webp::canvas(0, 1 << 24, 1 << 24),
            webp::lossless_header(1, 1),
        ]),
        Corrupt,
    );
    let mut nested = webp::lossless(&RgbImage::new(8, 8));
    (0..2_000).for_each(|_| nested = webp::chunk(b"ANMF", &[&[0; 16][..], &nested].concat()));
    add(
        "WebP of 2000 frames in each other",
        webp::riff(&[webp::canvas(2, 8, 8), webp::chunk(b"ANIM", &[0; 6]), nested]),
        ReadOrRefused,
    );
    let frame = webp::lossless(&RgbImage::new(64, 64));
    add(
        "WebP animation of 10000 frames",
        webp::animation(64, 64, &vec![frame; 10_000]),
        Faces(0),
    );
    add("APNG of 10000 frames", apng(10_000, 10_000), Faces(0));
    add(
        "APNG that promises 4294967295 frames",
        apng(u32::MAX, 1),
        Faces(0),
    );
    cases
}

/// An animated PNG with its first frame as the default image.
fn apng(promised: u32, frames: u32) -> Vec<u8> {
    let control = |sequence: u32| {
        let mut content = sequence.to_be_bytes().to_vec();
        content.extend(64_u32.to_be_bytes());
        content.extend(64_u32.to_be_bytes());
        content.extend([0; 8]);
        content.extend([0, 1, 0, 10, 0, 0]);
        chunk(b"fcTL", &content)
    };
    let pixels = deflated(&vec![0; 64 * 65]);
    let mut later = Vec::new();
    for frame in 1..frames {
        later.push(control(2 * frame - 1));
        let sequence = (2 * frame).to_be_bytes();
        later.push(chunk(b"fdAT", &[&sequence[..], &pixels].concat()));
    }
    let before = [
        chunk(b"acTL", &[promised.to_be_bytes(), [0; 4]].concat()),
        control(0),
    ];
    png::png(header(64, 64, 0, 8), &before, |_, _, _| 0, &later)
}
