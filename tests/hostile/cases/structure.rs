//! Files whose parts are well formed and do not fit together.

use super::{Case, Expected, SMALL, header, jpeg_header, plain_png, zeros};
use crate::encode::jpeg::{Colour, Jpeg, segment};
use crate::encode::png::{self, SIGNATURE, chunk};
use crate::encode::webp;
use crate::machine::photograph;

/// Files whose parts are well formed and do not fit together.
pub fn all() -> Vec<Case> {
    use Expected::{Corrupt, Faces, ReadOrRefused, Unsupported};
    let picture = photograph("astronaut.jpg", SMALL);
    let mut cases = Vec::new();
    let mut add = |name: String, bytes, expected| cases.push(Case::new(name, bytes, expected));
    for process in [3_u8, 5, 6, 7, 9, 10, 11, 13, 14, 15] {
        add(
            format!("JPEG of process {process}"),
            jpeg_header(process, 8, 8, 3),
            Unsupported,
        );
    }
    for precision in [0_u8, 1, 7, 12, 16, 255] {
        let mut bytes = jpeg_header(0, 8, 8, 3);
        let frame = bytes
            .windows(2)
            .position(|pair| pair == [0xFF, 0xC0])
            .unwrap();
        bytes[frame + 4] = precision;
        add(format!("JPEG of {precision} bits"), bytes, Unsupported);
    }
    for (name, width, height) in [("no width", 0, 8), ("no height", 8, 0)] {
        add(
            format!("JPEG of {name}"),
            jpeg_header(0, width, height, 3),
            Corrupt,
        );
    }
    for across in 0..=5 {
        for down in 0..=5 {
            let mut bytes = Jpeg::default().encode(&picture);
            let frame = bytes
                .windows(2)
                .position(|pair| pair == [0xFF, 0xC0])
                .unwrap();
            bytes[frame + 11] = across << 4 | down;
            add(
                format!("JPEG whose grid is changed to {across}x{down}"),
                bytes,
                if (across, down) == (1, 1) {
                    Faces(1)
                } else {
                    ReadOrRefused
                },
            );
        }
    }
    for count in [2_u8, 5, 255] {
        let mut bytes = jpeg_header(0, 8, 8, 3);
        let frame = bytes
            .windows(2)
            .position(|pair| pair == [0xFF, 0xC0])
            .unwrap();
        bytes[frame + 9] = count;
        add(
            format!("JPEG that promises {count} components"),
            bytes,
            Corrupt,
        );
    }
    for (colour, name) in [(Colour::Cmyk, "CMYK"), (Colour::Ycck, "YCCK")] {
        let unmarked = Jpeg {
            colour,
            ..Jpeg::default()
        };
        add(
            format!("{name} JPEG without Adobe's marker"),
            unmarked.encode(&picture),
            Unsupported,
        );
        let wrong = Jpeg {
            colour,
            adobe: Some(1),
            ..Jpeg::default()
        };
        add(
            format!("{name} JPEG with a transform of three"),
            wrong.encode(&picture),
            Unsupported,
        );
    }
    let contradiction = Jpeg {
        ids: *b"RGBK",
        adobe: Some(1),
        ..Jpeg::default()
    };
    add(
        "JPEG called RGB by its ids and not by Adobe".to_owned(),
        contradiction.encode(&picture),
        Unsupported,
    );
    let unknown = Jpeg {
        adobe: Some(9),
        ..Jpeg::default()
    };
    add(
        "JPEG of Adobe's transform 9".to_owned(),
        unknown.encode(&picture),
        Corrupt,
    );
    for (name, find) in [
        ("quantisation", 0xDB_u8),
        ("code", 0xC4),
        ("frame", 0xC0),
        ("scan", 0xDA),
    ] {
        let mut bytes = Jpeg::default().encode(&picture);
        let at = bytes
            .windows(2)
            .position(|pair| pair == [0xFF, find])
            .unwrap();
        let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        let mut twice = bytes.clone();
        let again = bytes[at..at + 2 + length].to_vec();
        twice.splice(at..at, again);
        add(
            format!("JPEG with a second {name} segment"),
            twice,
            if find == 0xC0 { Corrupt } else { ReadOrRefused },
        );
        let mut long = bytes.clone();
        long[at + 2..at + 4].copy_from_slice(&[0xFF, 0xFF]);
        add(
            format!("JPEG with an endless {name} segment"),
            long,
            Corrupt,
        );
        let mut short = bytes.clone();
        short[at + 2..at + 4].copy_from_slice(&[0, 0]);
        add(
            format!("JPEG with a {name} segment of no length"),
            short,
            Corrupt,
        );
        bytes.drain(at..at + 2 + length);
        // Without its second table of codes the first still stands.
        add(format!("JPEG without a {name} segment"), bytes, Corrupt);
    }
    for offset in [0_u32, 1, 8, 1 << 31, u32::MAX] {
        let mut exif = b"Exif\0\0II*\0".to_vec();
        exif.extend(offset.to_le_bytes());
        exif.extend([0xFF; 40]);
        let mut extra = Vec::new();
        segment(&mut extra, 0xE1, &exif);
        add(
            format!("JPEG whose EXIF points to {offset}"),
            Jpeg {
                extra,
                ..Jpeg::default()
            }
            .encode(&picture),
            Faces(1),
        );
    }
    let png = plain_png(&picture);
    let mut at = SIGNATURE.len();
    let mut number = 0;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let mut bytes = png.clone();
        bytes[at + 8 + length] ^= 0x55;
        let last = &png[at + 4..at + 8] == b"IEND";
        add(
            format!("PNG with a wrong checksum of chunk {number}"),
            bytes,
            if last { ReadOrRefused } else { Corrupt },
        );
        let mut longer = png.clone();
        longer[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        add(
            format!("PNG with an endless chunk {number}"),
            longer,
            if last { ReadOrRefused } else { Corrupt },
        );
        at += 12 + length;
        number += 1;
    }
    for depth in 0..=17 {
        for colour in 0..=7 {
            let legal = match colour {
                0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
                3 => matches!(depth, 1 | 2 | 4 | 8),
                2 | 4 | 6 => matches!(depth, 8 | 16),
                _ => false,
            };
            if !legal {
                add(
                    format!("PNG of colour {colour} in {depth} bits"),
                    zeros(header(8, 8, colour, depth), 4_096),
                    Corrupt,
                );
            }
        }
    }
    add(
        "palette PNG without a palette".to_owned(),
        zeros(header(8, 8, 3, 8), 72),
        Corrupt,
    );
    add(
        "palette PNG that names colours it does not have".to_owned(),
        png::png(
            header(8, 8, 3, 8),
            &[chunk(b"PLTE", &[9; 3])],
            |_, _, _| 200,
            &[],
        ),
        ReadOrRefused,
    );
    let lossless = webp::lossless(&picture);
    add(
        "WebP without a picture".to_owned(),
        webp::riff(&[webp::canvas(0, 8, 8)]),
        Corrupt,
    );
    add(
        "WebP with its canvas larger than its picture".to_owned(),
        webp::riff(&[webp::canvas(0, 200, 200), lossless.clone()]),
        Corrupt,
    );
    add(
        "WebP animation without frames".to_owned(),
        webp::animation(8, 8, &[]),
        Corrupt,
    );
    add(
        "WebP of an endless chunk".to_owned(),
        [
            &b"RIFF\xFF\xFF\xFF\xFFWEBPVP8L\xFF\xFF\xFF\xFF"[..],
            &lossless[8..],
        ]
        .concat(),
        Corrupt,
    );
    let endless = b"EXIF\xF0\xFF\xFF\xFF".to_vec();
    let canvas = |flags| webp::canvas(flags, 160, 160);
    add(
        "WebP with 4 GiB of EXIF".to_owned(),
        webp::riff(&[canvas(8), lossless.clone(), endless.clone()]),
        Corrupt,
    );
    add(
        "WebP with 4 GiB of EXIF after its end".to_owned(),
        [webp::riff(&[canvas(8), lossless.clone()]), endless.clone()].concat(),
        Corrupt,
    );
    add(
        "WebP with more after its end".to_owned(),
        [webp::riff(&[canvas(0), lossless]), endless].concat(),
        Faces(1),
    );
    cases
}
