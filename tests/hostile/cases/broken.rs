//! Damage, noise, and what is not what it says.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{Case, Expected, SEED, jpeg, originals};
use crate::encode::png::SIGNATURE;
use crate::machine::{fixture, photograph};

/// Every picture cut off after each sixty-fourth part of it, and filled up again.
pub fn truncations() -> Vec<Case> {
    use Expected::{Corrupt, ReadOrRefused, Unsupported};
    let mut cases = Vec::new();
    for (format, whole) in originals() {
        for part in 0..64 {
            let kept = &whole[..whole.len() * part / 64];
            let cut = if part == 0 { Unsupported } else { Corrupt };
            cases.push(Case::new(
                format!("{format} cut at {part}/64"),
                kept.to_vec(),
                cut,
            ));
            for (filling, byte) in [("NUL", 0), ("0xFF", 0xFF)] {
                let mut filled = kept.to_vec();
                filled.resize(whole.len(), byte);
                let expected = if part == 0 {
                    Unsupported
                } else if format == "webp" {
                    // Without checksums: zeros may happen to be codes.
                    ReadOrRefused
                } else {
                    Corrupt
                };
                cases.push(Case::new(
                    format!("{format} filled up with {filling} from {part}/64"),
                    filled,
                    expected,
                ));
            }
        }
        let end = whole.len();
        for (missing, expected) in [(1, ReadOrRefused), (2, ReadOrRefused), (13, ReadOrRefused)] {
            cases.push(Case::new(
                format!("{format} without its last {missing}"),
                whole[..end - missing].to_vec(),
                expected,
            ));
        }
    }
    let (_, whole) = &originals()[0];
    for part in 16..64 {
        // What is missing stays missing, whatever end is put on it.
        let mut ended = whole[..whole.len() * part / 64].to_vec();
        ended.extend([0xFF, 0xD9]);
        cases.push(Case::new(
            format!("jpeg cut at {part}/64 and ended"),
            ended,
            Corrupt,
        ));
    }
    // Large ones go another way at first.
    let large = jpeg(&photograph("astronaut.jpg", 3_300));
    for part in 1..8 {
        let cut = &large[..large.len() * part / 8];
        for (name, end) in [("cut", &[][..]), ("cut and ended", &[0xFF, 0xD9])] {
            let bytes = [cut, end].concat();
            cases.push(Case::new(
                format!("large jpeg {name} at {part}/8"),
                bytes,
                Corrupt,
            ));
        }
    }
    cases.push(Case::new("large jpeg", large, Expected::Faces(1)));
    cases
}

pub fn mutations() -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut cases = Vec::new();
    for (format, whole) in originals() {
        for number in 0..334 {
            let mut bytes = whole.clone();
            for _ in 0..=number % 4 {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            cases.push(Case::new(
                format!("{format} with flipped bits, {number}"),
                bytes,
                Expected::ReadOrRefused,
            ));
        }
        // The headers are where the decisions are made.
        for at in 0..48.min(whole.len()) {
            for value in [0, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                cases.push(Case::new(
                    format!("{format} with {value} at {at}"),
                    bytes,
                    Expected::ReadOrRefused,
                ));
            }
        }
    }
    cases
}

pub fn noise() -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(SEED + 1);
    let mut cases = Vec::new();
    for length in [0, 1, 2, 3, 4, 8, 12, 16, 100, 1_000, 10_000, 100_000] {
        cases.push(Case::new(
            format!("{length} zeros"),
            vec![0; length],
            Expected::Unsupported,
        ));
        let mut bytes: Vec<u8> = (0..length).map(|_| random.random()).collect();
        if let Some(first) = bytes.first_mut() {
            *first = b'x';
        }
        cases.push(Case::new(
            format!("{length} random bytes"),
            bytes,
            Expected::Unsupported,
        ));
    }
    for (format, magic) in [
        ("jpeg", &b"\xFF\xD8\xFF\xE0"[..]),
        ("png", SIGNATURE),
        ("webp", b"RIFF\x40\0\0\0WEBPVP8L"),
    ] {
        cases.push(Case::new(
            format!("{format}'s first bytes alone"),
            magic.to_vec(),
            Expected::Corrupt,
        ));
        for number in 0..20 {
            let length = random.random_range(1..4_000);
            let tail = (0..length).map(|_| random.random::<u8>());
            let bytes = magic.iter().copied().chain(tail).collect();
            cases.push(Case::new(
                format!("{format}'s first bytes and noise, {number}"),
                bytes,
                Expected::Corrupt,
            ));
        }
    }
    cases
}

/// What is not what it says, or is two things at once.
pub fn lies() -> Vec<Case> {
    use Expected::{Faces, Unsupported};
    let [(_, jpeg), (_, png), (_, webp)] = originals();
    let mut cases = Vec::new();
    for (name, bytes) in [
        ("GIF", b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec()),
        ("GIF87", b"GIF87a\x01\0\x01\0\0\0\0;".to_vec()),
        ("BMP", b"BM\x3A\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x04\0\0\0".to_vec()),
        ("little-endian TIFF", b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        ("big-endian TIFF", b"MM\0*\0\0\0\x08\0\0\0\0\0\0".to_vec()),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()),
        ("AVIF", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif".to_vec()),
        ("PSD", b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x01\0\0\0\x01\0\x08\0\x03".to_vec()),
        ("JPEG XL", b"\xFF\x0A\0\0\0\0\0\0".to_vec()),
        ("JPEG 2000", b"\0\0\0\x0CjP  \r\n\x87\n".to_vec()),
        ("ICO", b"\0\0\x01\0\x01\0\x01\x01\0\0\x01\0\x18\0\x30\0\0\0\x16\0\0\0".to_vec()),
        ("PNM", b"P6\n1 1\n255\n\0\0\0".to_vec()),
        ("QOI", b"qoif\0\0\0\x01\0\0\0\x01\x03\0\0\0\0\0\0\0\0\x01".to_vec()),
        ("DDS", b"DDS |\0\0\0".to_vec()),
        ("farbfeld", b"farbfeld\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec()),
        ("OpenEXR", b"\x76\x2F\x31\x01\x02\0\0\0".to_vec()),
        ("radiance", b"#?RADIANCE\n".to_vec()),
        ("SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"file:///etc/passwd\"/></svg>".to_vec()),
        ("SVG with a declaration", b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg>&x;</svg>".to_vec()),
        ("HTML", b"<!doctype html><script>1</script>".to_vec()),
        ("PDF", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF".to_vec()),
        ("ZIP", b"PK\x03\x04\x14\0\0\0\0\0".to_vec()),
        ("gzip", b"\x1F\x8B\x08\0\0\0\0\0\0\x03".to_vec()),
        ("ELF", b"\x7FELF\x02\x01\x01\0".to_vec()),
        ("MP4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec()),
        ("RIFF that is sound", b"RIFF\x24\0\0\0WAVEfmt ".to_vec()),
        ("text", b"data:image/jpeg;base64,/9j/4AAQSkZJRg==".to_vec()),
        ("JPEG with a byte before it", [b"\n", &jpeg[..]].concat()),
        ("PNG with a byte before it", [b"\n", &png[..]].concat()),
        ("HTML before a JPEG", [b"<html>", &jpeg[..]].concat()),
        ("ZIP before a PNG", [b"PK\x03\x04", &png[..]].concat()),
        ("PDF before a JPEG", [b"%PDF-1.7 stream\n", &jpeg[..]].concat()),
        ("JPEG in UTF-16", jpeg.iter().flat_map(|&byte| [byte, 0]).collect()),
    ] {
        cases.push(Case::new(format!("lie: {name}"), bytes, Unsupported));
    }
    // A picture comes first and counts; what is behind it is never looked at.
    for (format, whole) in [("jpeg", &jpeg), ("png", &png), ("webp", &webp)] {
        for (name, tail) in [
            ("zeros", vec![0; 5_000]),
            (
                "noise",
                (0..5_000_u32).map(|n| (n * 31 % 251) as u8).collect(),
            ),
            ("HTML", b"<script>alert(1)</script>".to_vec()),
            ("a ZIP", b"PK\x03\x04\x14\0PK\x05\x06".to_vec()),
            ("a PDF", b"%PDF-1.7\n%%EOF".to_vec()),
            ("itself", whole.clone()),
            ("a JPEG", fixture("two_faces.jpg")),
            ("a PNG", png.clone()),
            ("a WebP", webp.clone()),
        ] {
            let bytes = [&whole[..], &tail].concat();
            cases.push(Case::new(
                format!("{format} followed by {name}"),
                bytes,
                Faces(1),
            ));
        }
    }
    cases
}
