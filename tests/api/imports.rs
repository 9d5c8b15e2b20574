//! Bulk imports: what is taken, what is refused by row, and what as a whole.

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::app::{Answer, App, Options, lookalike, person, picture, token};

/// More than any import here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An archive whose files are stored as they are.
fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    packed(files, CompressionMethod::Stored)
}

fn packed(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Changes every place where the bytes stand; what replaces them is as long.
fn patched(mut archive: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut changed = 0;
    for at in 0..=archive.len() - from.len() {
        if archive[at..].starts_with(from) {
            archive[at..at + to.len()].copy_from_slice(to);
            changed += 1;
        }
    }
    assert!(changed > 0);
    archive
}

/// Changes a field of the directory's entry with this name.
fn with_entry(mut archive: Vec<u8>, name: &str, offset: usize, value: &[u8]) -> Vec<u8> {
    let entry = (0..archive.len())
        .find(|&at| {
            archive[at..].starts_with(b"PK\x01\x02")
                && archive[at + 46..].starts_with(name.as_bytes())
        })
        .unwrap();
    archive[entry + offset..entry + offset + value.len()].copy_from_slice(value);
    archive
}

fn archive(zip: Vec<u8>) -> Form {
    Form::new().part("archive", Part::bytes(zip).file_name("people.zip"))
}

async fn post(app: &App, list: &str, form: Form) -> Answer {
    app.post_form(&format!("/v1/watchlists/{list}/imports"), form)
        .await
}

/// The job as it is when it is over.
async fn finished(app: &App, answer: Answer) -> Value {
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let job = answer.expect(StatusCode::ACCEPTED);
    assert_eq!(
        location,
        format!("/v1/jobs/{}", job["id"].as_str().unwrap())
    );
    settled(app, &location).await
}

async fn settled(app: &App, location: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let job = app.get(location).await.expect(StatusCode::OK);
        if !["queued", "running"].contains(&job["state"].as_str().unwrap()) {
            return job;
        }
        assert!(Instant::now() < deadline, "{job}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn rows(app: &App, job: &Value) -> Vec<Value> {
    let path = format!("/v1/jobs/{}/rows?limit=200", job["id"].as_str().unwrap());
    let page = app.get(&path).await.expect(StatusCode::OK);
    page["items"].as_array().unwrap().clone()
}

/// Imports an archive and gives its rows as `file: code`, or `file: state` where nothing was refused.
async fn fates(app: &App, form: Form) -> Vec<String> {
    let list = app.watchlist("l", "alert").await;
    let job = finished(app, post(app, &list, form).await).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let fate = |row: &Value| {
        let code = row["error"]["code"].as_str();
        let fate = code.or(row["state"].as_str()).unwrap().to_owned();
        let file = row["file"].as_str().unwrap_or("-");
        format!("{file}: {fate}")
    };
    rows(app, &job).await.iter().map(fate).collect()
}

#[tokio::test]
async fn folders_and_files_of_an_archive_become_people() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let two = picture(json!({"faces": [{"person": 7}, {"person": 8}]}));
    let files = zip(&[
        ("jane/1.jpg", person(1)),
        ("jane/2.jpg", lookalike(1, 0.9)),
        ("john.jpg", person(2)),
        ("crowd.jpg", two),
        ("wall.png", picture(json!({"faces": []}))),
        ("torn.webp", picture(json!({"fails": "corrupt"}))),
        ("__MACOSX/._john.jpg", b"litter".to_vec()),
        ("jane/.DS_Store", b"litter".to_vec()),
    ]);
    let job = finished(&app, post(&app, &list, archive(files)).await).await;
    assert_eq!(job["state"], "succeeded");
    assert_eq!(
        [&job["total"], &job["done"], &job["failed"]],
        [&json!(6), &json!(6), &json!(3)]
    );
    assert!(job["rate"].as_f64().unwrap() > 0.0, "{job}");
    assert!(job["started_at"].is_string() && job["finished_at"].is_string());
    assert_eq!(job["watchlist_id"], json!(list));

    let rows = rows(&app, &job).await;
    let codes: Vec<_> = rows.iter().map(|row| &row["error"]["code"]).collect();
    assert_eq!(
        codes,
        [
            &Value::Null,
            &Value::Null,
            &Value::Null,
            &json!("multiple_faces"),
            &json!("no_face"),
            &json!("corrupt_image")
        ]
    );
    assert_eq!(rows[0]["external_id"], "jane");
    assert_eq!(rows[0]["subject_id"], rows[1]["subject_id"]);
    assert_ne!(rows[0]["face_id"], rows[1]["face_id"]);

    let path = format!("/v1/watchlists/{list}/subjects?external_id=jane");
    let jane = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(jane["items"][0]["faces"].as_array().unwrap().len(), 2);
    let image = Form::new().part("image", Part::bytes(person(2)));
    let path = format!("/v1/watchlists/{list}/search");
    let found = app.post_form(&path, image);
    let found = found.await.expect(StatusCode::OK);
    assert_eq!(found["hits"][0]["external_id"], "john");
}

#[tokio::test]
async fn a_manifest_beside_the_archive_says_who_is_who() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let manifest = "file,external_id,display_name,valid_until,metadata\n\
        a.jpg,one,Ann,2099-01-02T03:04:05Z,\"{\"\"case\"\": 7}\"\n\
        b.jpg,one,Other,,\n\
        sub/c.jpg,,,,\n\
        gone.jpg,x,,,\n\
        ../a.jpg,x,,,\n\
        a.jpg,x,,tomorrow,\n\
        ,x,,,\n\
        a.jpg,x,,,nonsense\n";
    let files = zip(&[
        ("a.jpg", person(1)),
        ("b.jpg", person(2)),
        ("sub/c.jpg", person(3)),
        ("unnamed.jpg", person(4)),
    ]);
    let form = archive(files).part("manifest", Part::text(manifest));
    let job = finished(&app, post(&app, &list, form).await).await;
    let fates: Vec<_> = rows(&app, &job)
        .await
        .into_iter()
        .map(|row| {
            (
                row["line"].clone(),
                row["external_id"].clone(),
                row["error"]["code"].clone(),
            )
        })
        .collect();
    let invalid = json!("invalid_row");
    assert_eq!(
        fates,
        [
            (json!(1), json!("one"), Value::Null),
            (json!(2), json!("one"), Value::Null),
            (json!(3), json!("sub"), Value::Null),
            (json!(4), json!("x"), json!("missing_file")),
            (json!(5), json!("x"), json!("unsafe_path")),
            (json!(6), json!("x"), invalid.clone()),
            (json!(7), Value::Null, invalid.clone()),
            (json!(8), Value::Null, invalid),
        ]
    );
    let path = format!("/v1/watchlists/{list}/subjects?external_id=one");
    let one = app.get(&path).await.expect(StatusCode::OK)["items"][0].clone();
    assert_eq!(one["display_name"], "Ann");
    assert_eq!(one["metadata"], json!({"case": 7}));
    assert_eq!(one["valid_until"], "2099-01-02T03:04:05Z");
    assert_eq!(one["faces"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_manifest_in_the_archive_counts_and_a_bad_one_is_refused_whole() {
    let app = App::start().await;
    let lines =
        "{\"file\": \"a.jpg\", \"external_id\": \"one\"}\n{\"file\": \"a.jpg\"}\n{\"file\": 3}\n";
    let files = zip(&[
        ("a.jpg", person(1)),
        ("manifest.ndjson", lines.as_bytes().to_vec()),
    ]);
    assert_eq!(
        fates(&app, archive(files)).await,
        ["a.jpg: succeeded", "a.jpg: succeeded", "-: invalid_row"]
    );
    let list = app.watchlist("other", "alert").await;
    let files = zip(&[("manifest.csv", b"name\nx\n".to_vec())]);
    let refused = post(&app, &list, archive(files)).await;
    refused.expect_problem(400, "validation_failed");
    assert_eq!(refused.faults(), ["manifest:invalid"]);
    let jobs = app.get(&format!("/v1/jobs?watchlist_id={list}")).await;
    assert_eq!(
        jobs.expect(StatusCode::OK)["items"],
        json!([]),
        "nothing is left of it"
    );
}

#[tokio::test]
async fn lines_of_json_are_enrolled_and_add_to_people_who_are_there() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let known = app.enrol(&list, "known", person(1)).await;
    let image = |number| STANDARD.encode(person(number));
    let lines = [
        json!({"external_id": "known", "image": image(2)}),
        json!({"external_id": "new", "display_name": "N", "metadata": {"k": 1}, "image": [image(3), image(4)]}),
        json!({"external_id": "new", "image": "not base64"}),
        json!({"image": image(5)}),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let request = app
        .request(Method::POST, &format!("/v1/watchlists/{list}/imports"))
        .header(CONTENT_TYPE, "application/x-ndjson; charset=utf-8")
        .body(body);
    let job = finished(&app, Answer::of(request).await).await;
    assert_eq!([&job["done"], &job["failed"]], [&json!(5), &json!(2)]);
    let rows = rows(&app, &job).await;
    assert_eq!(rows[0]["subject_id"], json!(known));
    assert_eq!(rows[1]["subject_id"], rows[2]["subject_id"]);
    assert_eq!(rows[2]["line"], 2);
    assert_eq!(rows[3]["error"]["code"], "invalid_row");
    assert_eq!(rows[4]["error"]["code"], "invalid_row");
    let path = format!("/v1/watchlists/{list}/subjects/{known}");
    let subject = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(subject["faces"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_whole_result_is_lines_of_json_without_pictures() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let files: Vec<_> = (0..1_203)
        .map(|number| (format!("p{number}.jpg"), person(number % 500)))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, image)| (name.as_str(), image.clone()))
        .collect();
    let job = finished(&app, post(&app, &list, archive(zip(&files))).await).await;
    assert_eq!([&job["total"], &job["failed"]], [&json!(1_203), &json!(0)]);
    let path = job["result"].as_str().unwrap();
    let answer = app.get(path).await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let text = answer.expect(StatusCode::OK).as_str().unwrap().to_owned();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1_203, "it takes more than one reading");
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["number"], index + 1);
        let names: Vec<_> = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            names,
            [
                "error",
                "external_id",
                "face_id",
                "file",
                "line",
                "number",
                "state",
                "subject_id"
            ]
        );
    }
}

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

async fn fates_of(app: &App, list: &str, form: Form) -> Vec<String> {
    let job = finished(app, post(app, list, form).await).await;
    let rows = rows(app, &job).await;
    let fate = |row: &Value| {
        let code = row["error"]["code"].as_str();
        code.or(row["state"].as_str()).unwrap().to_owned()
    };
    rows.iter().map(fate).collect()
}

#[tokio::test]
async fn a_body_of_another_kind_and_a_form_without_an_archive_are_refused() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/imports");
    app.post_json(&path, &json!({}))
        .await
        .expect_problem(415, "unsupported_media_type");
    let without = Form::new().text("manifest", "file\na.jpg\n");
    let refused = app.post_form(&path, without).await;
    refused.expect_problem(400, "missing_part");
    assert_eq!(refused.faults(), ["archive:required"]);
    let foreign = archive(zip(&[("a.jpg", person(1))])).text("kind", "block");
    app.post_form(&path, foreign)
        .await
        .expect_problem(400, "validation_failed");
    let nowhere = "/v1/watchlists/01990000-0000-7000-8000-000000000000/imports";
    app.post_form(nowhere, archive(zip(&[("a.jpg", person(1))])))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn another_tenant_finds_neither_the_job_nor_the_list() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let job = finished(
        &app,
        post(&app, &list, archive(zip(&[("a.jpg", person(1))]))).await,
    )
    .await;
    let id = job["id"].as_str().unwrap();
    let foreign = token("other", "watchlist:read watchlist:write");
    for (method, path) in [
        (Method::GET, format!("/v1/jobs/{id}")),
        (Method::GET, format!("/v1/jobs/{id}/rows")),
        (Method::GET, format!("/v1/jobs/{id}/result")),
        (Method::POST, format!("/v1/jobs/{id}/cancel")),
        (Method::POST, format!("/v1/watchlists/{list}/imports")),
    ] {
        let answer = Answer::of(app.bare(method, &path).bearer_auth(&foreign)).await;
        answer.expect_problem(404, "not_found");
    }
    let jobs = Answer::of(app.bare(Method::GET, "/v1/jobs").bearer_auth(&foreign)).await;
    assert_eq!(jobs.expect(StatusCode::OK)["items"], json!([]));
}

/// People whose pictures take a while.
fn slow(count: usize) -> Vec<u8> {
    let files: Vec<_> = (0..count)
        .map(|number| {
            let image = picture(json!({"faces": [{"person": number}], "takes_ms": 30}));
            (format!("p{number}.jpg"), image)
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, image)| (name.as_str(), image.clone()))
        .collect();
    zip(&files)
}

#[tokio::test]
async fn a_cancelled_import_keeps_what_it_enrolled_and_nothing_of_the_rest() {
    let options = Options {
        workers: Some(1),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let list = app.watchlist("l", "alert").await;
    let job = post(&app, &list, archive(slow(300))).await;
    let job = job.expect(StatusCode::ACCEPTED);
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    let deadline = Instant::now() + PATIENCE;
    while app.get(&path).await.expect(StatusCode::OK)["done"] == 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let cancelled = app.post_json(&format!("{path}/cancel"), &json!({})).await;
    let cancelled = cancelled.expect(StatusCode::OK);
    assert_eq!(cancelled["state"], "cancelled");
    let done = cancelled["done"].as_u64().unwrap();
    assert!((1..300).contains(&done), "{cancelled}");
    let path_of = |state| format!("{path}/rows?state={state}&limit=200");
    while app.get(&path_of("pending")).await.expect(StatusCode::OK)["items"] != json!([]) {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let list = app.get(&format!("/v1/watchlists/{list}")).await;
    assert_eq!(list.expect(StatusCode::OK)["faces"], done);
    let again = app.post_json(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(
        again.expect(StatusCode::OK)["finished_at"],
        cancelled["finished_at"]
    );
}

#[tokio::test]
async fn deleting_a_list_ends_its_imports() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let job = post(&app, &list, archive(slow(100))).await;
    let job = job.expect(StatusCode::ACCEPTED);
    let gone = app.delete(&format!("/v1/watchlists/{list}")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    app.get(&path).await.expect_problem(404, "not_found");
    // The runner is free for the next one.
    let list = app.watchlist("l", "alert").await;
    let job = finished(
        &app,
        post(&app, &list, archive(zip(&[("a.jpg", person(1))]))).await,
    )
    .await;
    assert_eq!(job["failed"], 0);
}

#[tokio::test]
async fn requests_are_answered_while_an_import_runs() {
    let options = Options {
        queue_capacity: Some(8),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let list = app.watchlist("l", "alert").await;
    let job = post(&app, &list, archive(slow(200))).await;
    let path = job.headers["location"].to_str().unwrap().to_owned();
    for _ in 0..10 {
        app.verify(person(1), person(1))
            .await
            .expect(StatusCode::CREATED);
    }
    let job = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(job["state"], "running", "it went on all the while");
    let job = settled(&app, &path).await;
    assert_eq!([&job["done"], &job["failed"]], [&json!(200), &json!(0)]);
}

#[tokio::test]
async fn a_picture_that_the_models_fail_on_is_tried_again_and_then_refused() {
    let app = App::start().await;
    let files = zip(&[
        ("a.jpg", person(1)),
        ("b.jpg", picture(json!({"fails": "inference"}))),
        ("c.jpg", person(3)),
    ]);
    assert_eq!(
        fates(&app, archive(files)).await,
        ["a.jpg: succeeded", "b.jpg: internal", "c.jpg: succeeded"]
    );
}

#[tokio::test]
async fn rows_keep_to_the_rules_of_single_enrolments() {
    let app = App::start().await;
    let form = json!({"name": "l", "on_duplicate": "reject"});
    let list = app.post_json("/v1/watchlists", &form).await;
    let list = list.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    app.enrol(&list, "known", person(1)).await;
    let small = picture(json!({"faces": [{"person": 3, "eye_distance": 9.0}]}));
    let files = zip(&[
        ("known/2.jpg", person(1)),
        ("other.jpg", person(1)),
        ("twin-a.jpg", person(2)),
        ("twin-b.jpg", person(2)),
        ("small.jpg", small),
    ]);
    let mut fates = fates_of(&app, &list, archive(files)).await;
    assert_eq!(fates[0], "succeeded", "a further face of themselves");
    assert_eq!(fates[1], "duplicate_subject");
    assert_eq!(fates[4], "quality_too_low");
    fates[2..4].sort();
    assert_eq!(
        fates[2..4],
        ["duplicate_subject", "succeeded"],
        "within one transaction"
    );
}

#[tokio::test]
async fn jobs_and_rows_come_in_pages() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let mut made = Vec::new();
    for number in 0..3 {
        let files = zip(&[
            ("a.jpg", person(number)),
            ("b.jpg", b"{}".to_vec()),
            ("c.jpg", person(9)),
        ]);
        let job = finished(&app, post(&app, &list, archive(files)).await).await;
        made.push(job["id"].clone());
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/jobs?limit=2".to_owned();
    loop {
        let page = app.get(&path).await.expect(StatusCode::OK);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|job| job["id"].clone()),
        );
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/jobs?limit=2&cursor={next}");
    }
    assert_eq!(seen, made, "newest first");
    let rows = format!("/v1/jobs/{}/rows", seen[0].as_str().unwrap());
    let first = app
        .get(&format!("{rows}?limit=2"))
        .await
        .expect(StatusCode::OK);
    let next = first["next_cursor"].as_str().unwrap();
    let second = app
        .get(&format!("{rows}?limit=2&cursor={next}"))
        .await
        .expect(StatusCode::OK);
    let numbers = |page: &Value| -> Vec<Value> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["number"].clone())
            .collect()
    };
    assert_eq!([numbers(&first), numbers(&second)].concat(), [1, 2, 3]);
    assert_eq!(second["next_cursor"], Value::Null);
    let failed = app
        .get(&format!("{rows}?state=failed"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(numbers(&failed), [2]);
    app.get(&format!("{rows}?state=lost"))
        .await
        .expect_problem(400, "validation_failed");
}
