//! Specimens of documents in a folder of yours, read as a caller has them read.
//!
//! `SPECIMENS=DIR cargo test --test api specimens -- --ignored --nocapture` prints what is found of each file, and fails
//! where one of those that are known here by name is not read as it can be.

use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use crate::photographs::app_with;

/// What a specimen shows, by its file's name: whether there is a portrait, the format of its zone, and the check digits
/// that hold as they are printed: `n`umber, `b`irth, `e`xpiry, `o`ptional data, `c`omposite. Some are printed wrong.
const KNOWN: [(&str, bool, &str, &str); 17] = [
    ("0_id-esp.png", false, "TD1", "e"),
    ("100_id-che.jpg", false, "TD1", "nbec"),
    ("100_id-rou.jpg", true, "TD2", "nbec"),
    ("100_id-usa.jpg", false, "TD1", "nbec"),
    ("100_pass-chn.jpg", true, "TD3", "nbeoc"),
    ("100_pass-cze2.jpg", true, "TD3", "nbeoc"),
    ("100_pass-hrv.jpg", true, "TD3", "nbeoc"),
    ("100_pass-ltu.jpg", true, "TD3", "nbeoc"),
    ("100_pass-polx.jpg", true, "TD3", "nbeoc"),
    ("100_pass2-uto.jpg", true, "TD2", "nbec"),
    ("100_visa-usa.jpg", true, "MRV-A", "nbe"),
    ("25_pass-uto.jpg", true, "TD3", "nbeoc"),
    ("33_id-usa.jpg", true, "TD1", "be"),
    ("43_pass-twn.jpg", true, "TD3", "nbeoc"),
    ("62_pass-aus.png", true, "TD3", "nbeoc"),
    ("77_card-cmw.png", false, "TD1", "nbe"),
    ("79_pass-hun.png", true, "TD3", "nbeoc"),
];
const DIGITS: [&str; 5] = [
    "document_number",
    "date_of_birth",
    "expiry_date",
    "optional_data",
    "composite",
];

fn pictures(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| image::ImageFormat::from_path(path).is_ok());
    paths.sort();
    paths
}

/// `n` where the digit over the number holds, `N` where it does not, and so on.
fn letters(digits: &Map<String, Value>) -> String {
    let names = DIGITS.iter().filter_map(|name| {
        let letter = match *name {
            "date_of_birth" => 'b',
            other => other.chars().next()?,
        };
        let letter = if *name == "document_number" {
            'n'
        } else {
            letter
        };
        let holds = digits.get(*name)?["holds"].as_bool()?;
        Some(if holds {
            letter
        } else {
            letter.to_ascii_uppercase()
        })
    });
    names.collect()
}

#[tokio::test]
#[ignore = "needs a folder of specimens: SPECIMENS=DIR"]
async fn specimens_are_read_as_far_as_they_hold_together_themselves() {
    let folder = PathBuf::from(std::env::var_os("SPECIMENS").unwrap());
    let app = app_with(1).await;
    let (mut faults, mut known) = (Vec::new(), 0);
    let (mut portraits, mut zones, mut digits, mut holding) = (0, 0, 0, 0);
    eprintln!(
        "{:24} portrait  zone   digits (a capital does not hold)",
        "file"
    );
    let paths = pictures(&folder);
    for path in &paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let picture = Part::bytes(std::fs::read(path).unwrap());
        let answer = app.post_form("/v1/documents/read", Form::new().part("document", picture));
        let body = answer.await.expect(StatusCode::OK);
        let portrait = body["portrait"].is_object();
        let format = body["mrz"]["format"].as_str().unwrap_or("none");
        let read = body["mrz"]["check_digits"]
            .as_object()
            .map(letters)
            .unwrap_or_default();
        let found = if portrait { "found" } else { "none" };
        eprintln!("{name:24} {found:8}  {format:5}  {read}");
        portraits += usize::from(portrait);
        zones += usize::from(format != "none");
        digits += read.len();
        holding += read.chars().filter(char::is_ascii_lowercase).count();
        let Some((_, shows, has, holds)) = KNOWN.iter().find(|(known, ..)| *known == name) else {
            continue;
        };
        known += 1;
        let lower: String = read.chars().filter(char::is_ascii_lowercase).collect();
        if (portrait, format, lower.as_str()) != (*shows, *has, *holds) {
            let shown = if *shows { "a portrait" } else { "no portrait" };
            faults.push(format!(
                "{name}: {shown}, {has}, and of its digits {holds} hold"
            ));
        }
    }
    eprintln!(
        "{} files: {portraits} portraits, {zones} zones, {holding} of {digits} digits hold; {} of {known} known ones as they are",
        paths.len(),
        known - faults.len()
    );
    assert!(!paths.is_empty(), "no picture in {folder:?}");
    assert!(
        faults.is_empty(),
        "not read as they are:\n{}",
        faults.join("\n")
    );
}
