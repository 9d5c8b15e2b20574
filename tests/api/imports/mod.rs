//! Bulk imports: what is taken, what is refused by row, what as a whole, and how jobs go on and end.

mod duplicates;
mod hostile;
mod intake;
mod jobs;

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::app::{Answer, App};

/// More than any import here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An archive whose files are stored as they are.
pub fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    packed(files, CompressionMethod::Stored)
}

pub(crate) fn packed(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Changes every place where the bytes stand; what replaces them is as long.
pub(crate) fn patched(mut archive: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
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
pub(crate) fn with_entry(mut archive: Vec<u8>, name: &str, offset: usize, value: &[u8]) -> Vec<u8> {
    let entry = (0..archive.len())
        .find(|&at| {
            archive[at..].starts_with(b"PK\x01\x02")
                && archive[at + 46..].starts_with(name.as_bytes())
        })
        .unwrap();
    archive[entry + offset..entry + offset + value.len()].copy_from_slice(value);
    archive
}

pub fn archive(zip: Vec<u8>) -> Form {
    Form::new().part("archive", Part::bytes(zip).file_name("people.zip"))
}

pub(crate) async fn post(app: &App, list: &str, form: Form) -> Answer {
    app.post_form(&format!("/v1/watchlists/{list}/imports"), form)
        .await
}

/// The job as it is when it is over.
pub async fn finished(app: &App, answer: Answer) -> Value {
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let job = answer.expect(StatusCode::ACCEPTED);
    assert_eq!(
        location,
        format!("/v1/jobs/{}", job["id"].as_str().unwrap())
    );
    settled(app, &location).await
}

pub(crate) async fn settled(app: &App, location: &str) -> Value {
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

pub async fn rows(app: &App, job: &Value) -> Vec<Value> {
    let path = format!("/v1/jobs/{}/rows?limit=200", job["id"].as_str().unwrap());
    let page = app.get(&path).await.expect(StatusCode::OK);
    page["items"].as_array().unwrap().clone()
}

/// What became of a row: why it was refused, or else its state.
fn fate(row: &Value) -> &str {
    let code = row["error"]["code"].as_str();
    code.or(row["state"].as_str()).unwrap()
}

/// Imports an archive and gives its rows as `file: code`, or `file: state` where nothing was refused.
pub(crate) async fn fates(app: &App, form: Form) -> Vec<String> {
    let list = app.watchlist("l", "alert").await;
    let job = finished(app, post(app, &list, form).await).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let named = |row: &Value| format!("{}: {}", row["file"].as_str().unwrap_or("-"), fate(row));
    rows(app, &job).await.iter().map(named).collect()
}

/// Imports an archive into a list and gives what became of its rows.
pub(crate) async fn fates_of(app: &App, list: &str, form: Form) -> Vec<String> {
    let job = finished(app, post(app, list, form).await).await;
    let rows = rows(app, &job).await;
    rows.iter().map(|row| fate(row).to_owned()).collect()
}
