//! A model that is missing, cut short or altered: the real program refuses to start, in words, and serves nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::process::Place;
use crate::support;

const MODEL: &str = "models/fr_feature.onnx";

/// The same assets in another folder, one model aside.
fn assets_without_model(folder: &Path) {
    let assets = support::config().assets;
    for entry in fs::read_dir(&assets).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "models" {
            symlink(assets.join(&name), folder.join(&name)).unwrap();
        }
    }
    fs::create_dir(folder.join("models")).unwrap();
    for entry in fs::read_dir(assets.join("models")).unwrap() {
        let name = entry.unwrap().file_name();
        if !MODEL.ends_with(name.to_str().unwrap()) {
            let (from, to) = (assets.join("models"), folder.join("models"));
            symlink(from.join(&name), to.join(&name)).unwrap();
        }
    }
}

/// What the program says when it cannot start; no package client is in reach.
fn refusal(place: &Place, assets: &Path) -> String {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_likeness"));
    command.arg("serve");
    place.settle(&mut command);
    let output = command
        .env("LIKENESS_ASSETS", assets)
        .env("PATH", nowhere.path())
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("serves on"));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn without_a_whole_and_unaltered_model_nothing_is_served() {
    let real = fs::read(support::config().assets.join(MODEL)).unwrap();
    let mut altered = real.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let place = Place::new();
    for (what, content) in [
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("cut short", Some(real[..real.len() - 1].to_vec())),
        ("altered", Some(altered)),
    ] {
        let assets = tempfile::tempdir().unwrap();
        assets_without_model(assets.path());
        if let Some(content) = content {
            fs::write(assets.path().join(MODEL), content).unwrap();
        }
        let said = refusal(&place, assets.path());
        assert!(said.contains("has to be fetched"), "{what}: {said}");
        assert!(said.contains("(tried: npm)"), "{what}: {said}");
    }
}
