//! Archives that mean harm or are none, and the bounds of imports.

use std::io::{Cursor, Write as _};

use reqwest::StatusCode;
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{archive, fates, fates_of, packed, patched, post, with_entry, zip};
use crate::app::{App, Options, person};

#[tokio::test]
async fn an_entry_that_means_harm_is_refused_by_itself() {
    let app = App::start().await;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let names = [
        "/etc/passwd.jpg",
        "../up.jpg",
        "a/../../b.jpg",
        "a\\b.jpg",
        "C:c.jpg",
        "good.jpg",
    ];
    for name in names {
        writer.start_file(name, plain).unwrap();
        writer.write_all(&person(1)).unwrap();
    }
    writer
        .add_symlink("link.jpg", "/etc/passwd", plain)
        .unwrap();
    for name in [
        "locked.jpg",
        "twice-1.jpg",
        "twice-2.jpg",
        "liar.jpg",
        "odd.jpg",
        "bad.jpg",
        "last.jpg",
    ] {
        writer.start_file(name, plain).unwrap();
        writer.write_all(&person(2)).unwrap();
    }
    let files = writer.finish().unwrap().into_inner();
    let files = patched(files, b"twice-2.jpg", b"twice-1.jpg");
    let files = with_entry(files, "locked.jpg", 8, &1_u16.to_le_bytes());
    let files = with_entry(files, "liar.jpg", 24, &3_u32.to_le_bytes());
    let files = with_entry(files, "odd.jpg", 10, &99_u16.to_le_bytes());
    let files = with_entry(files, "bad.jpg", 16, &7_u32.to_le_bytes());
    assert_eq!(
        fates(&app, archive(files)).await,
        [
            "/etc/passwd.jpg: unsafe_path",
            "../up.jpg: unsafe_path",
            "a/../../b.jpg: unsafe_path",
            "a\\b.jpg: unsafe_path",
            "C:c.jpg: unsafe_path",
            "good.jpg: succeeded",
            "link.jpg: not_a_file",
            "locked.jpg: encrypted_file",
            "twice-1.jpg: repeated_file",
            "liar.jpg: broken_file",
            "odd.jpg: broken_file",
            "bad.jpg: broken_file",
            "last.jpg: succeeded",
        ]
    );
}

#[tokio::test]
async fn a_bomb_is_refused_by_row_whatever_it_says_of_its_size() {
    let options = Options {
        max_image_bytes: Some(1024 * 1024),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let files = packed(
        &[
            ("bomb.png", vec![0; 900 * 1024]),
            ("huge.png", vec![0; 40 * 1024 * 1024]),
            ("liar.png", vec![0; 40 * 1024 * 1024]),
            ("fine.jpg", person(1)),
        ],
        CompressionMethod::Deflated,
    );
    let files = with_entry(files, "liar.png", 24, &100_u32.to_le_bytes());
    assert_eq!(
        fates(&app, archive(files)).await,
        [
            "bomb.png: suspicious_compression",
            "huge.png: image_too_large",
            "liar.png: broken_file",
            "fine.jpg: succeeded"
        ]
    );
}

#[tokio::test]
async fn what_is_no_archive_is_refused_whole() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let good = zip(&[("a.jpg", person(1)), ("b.jpg", person(2))]);
    let overlapping = with_entry(good.clone(), "b.jpg", 42, &0_u32.to_le_bytes());
    let truncated = good[..good.len() - 30].to_vec();
    for (bad, what) in [
        (b"GIF89a".to_vec(), "a picture"),
        (Vec::new(), "nothing"),
        (truncated, "a truncated archive"),
        (overlapping, "an archive whose entries overlap"),
    ] {
        let refused = post(&app, &list, archive(bad)).await;
        assert_eq!(
            refused.body["code"], "invalid_archive",
            "{what}: {}",
            refused.body
        );
        refused.expect_problem(400, "invalid_archive");
    }
    let empty = post(&app, &list, archive(zip(&[("d/", Vec::new())]))).await;
    empty.expect_problem(400, "validation_failed");
    // An end record of a large archive that claims a hundred million entries.
    let mut claims = b"PK\x06\x06".to_vec();
    claims.resize(32, 0);
    claims.extend(100_000_000_u64.to_le_bytes());
    claims.resize(56, 0);
    claims.extend(b"PK\x06\x07\0\0\0\0");
    claims.extend(0_u64.to_le_bytes());
    claims.extend(1_u32.to_le_bytes());
    claims.extend(b"PK\x05\x06");
    claims.extend([0xff; 16]);
    claims.extend([0; 2]);
    post(&app, &list, archive(claims))
        .await
        .expect_problem(413, "payload_too_large");
    let jobs = app.get("/v1/jobs").await.expect(StatusCode::OK);
    assert_eq!(jobs["items"], json!([]), "nothing is left of them");
}

#[tokio::test]
async fn an_import_is_bounded_as_it_is_sent_and_as_it_is_unpacked() {
    let options = Options {
        max_import_bytes: Some(8 * 1024),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let list = app.watchlist("l", "alert").await;
    let large = archive(zip(&[("a.jpg", vec![7; 9 * 1024])]));
    post(&app, &list, large)
        .await
        .expect_problem(413, "payload_too_large");
    let padded = |number: usize| {
        let mut image = person(number);
        image.resize(3 * 1024, b' ');
        image
    };
    let files: Vec<_> = (1..=4).map(padded).collect();
    let files: Vec<_> = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
        .into_iter()
        .zip(files)
        .collect();
    let small = packed(&files, CompressionMethod::Deflated);
    let fates = fates_of(&app, &list, archive(small)).await;
    assert_eq!(
        fates,
        [
            "succeeded",
            "succeeded",
            "payload_too_large",
            "payload_too_large"
        ]
    );
}
