//! Detectors of the user's own, in both layouts: added and at work; and what is not taken for one.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use image::imageops;
use likeness::domain::chosen::Chosen;
use likeness::domain::embedder::Embedder;
use likeness::domain::face::Face;
use likeness::models::OwnModels;
use likeness::vision::{AnalysisRequest, Embed, FaceBackend as _, Graphs, Layout, OnnxBackend};

use crate::made_up::{Kind, PICTURES, detector};
use crate::models::load_chosen;
use crate::own_models::{add, fixture, likeness, shipped};

const DETECTOR: [&str; 2] = ["--role", "detector"];

fn only_face(backend: &mut OnnxBackend, picture: &[u8], layout: Layout) -> Face {
    let request = AnalysisRequest {
        embed: Embed::Largest,
        ..AnalysisRequest::of(layout)
    };
    let mut faces = backend.analyse(picture, &request).unwrap().faces;
    assert_eq!(faces.len(), 1);
    faces.remove(0)
}

fn faces(shipped: &mut OnnxBackend) -> [Face; 3] {
    PICTURES.map(|picture| only_face(shipped, &fixture(picture), Layout::Selfie))
}

fn assert_same(found: &Face, expected: &Face) {
    let [a, b] = [found, expected].map(|face| face.template.as_ref().unwrap());
    let similarity = a.similarity(b).unwrap();
    assert!(similarity > 0.95, "{similarity}");
    let overlap = found.bounding_box.overlap(&expected.bounding_box);
    assert!(overlap > 0.98, "{overlap}");
    for (a, b) in found.landmarks.all().iter().zip(expected.landmarks.all()) {
        assert!((a.x - b.x).hypot(a.y - b.y) < 1.0, "{a:?} {b:?}");
    }
}

/// Runs a command with a detector chosen.
fn with_detector(home: &Path, name: &str, command: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_likeness"))
        .args(command)
        .env("LIKENESS_HOME", home)
        .env("LIKENESS_DETECTOR", name)
        .output()
        .unwrap()
}

fn fault(ended: Output) -> String {
    assert!(!ended.status.success());
    String::from_utf8(ended.stderr).unwrap()
}

#[test]
fn own_detectors_of_both_layouts_are_added_and_find_the_faces() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let shipped = &mut load_chosen(Graphs::Rewritten, Chosen::default());
    let expected = faces(shipped);
    for (name, kind, told) in [
        (
            "their_scrfd",
            Kind::Scrfd,
            "SCRFD for pictures of 640 x 640",
        ),
        (
            "their_yunet",
            Kind::YuNet,
            "YuNet for pictures of 480 x 640",
        ),
    ] {
        fs::write(home.join("theirs.onnx"), detector(kind, &expected, 0.0)).unwrap();
        let added = add(home, name, "theirs.onnx", &DETECTOR).unwrap();
        assert!(added.contains(told), "{added}");
        assert!(
            added.contains(&format!("LIKENESS_DETECTOR={name}")),
            "{added}"
        );
        let detector = OwnModels::of_home(home).detector(name).unwrap();
        let chosen = Chosen {
            detector,
            embedder: Embedder::default(),
        };
        let own = &mut load_chosen(Graphs::Rewritten, chosen);
        own.warm_up().unwrap();
        for (picture, expected) in PICTURES.into_iter().zip(&expected) {
            let found = only_face(own, &fixture(picture), Layout::Selfie);
            assert_same(&found, expected);
            assert!((found.confidence - 0.9).abs() < 1e-3);
        }
        // Turned back by a quarter, so that it is looked at as it was; and what is found is told as it lies now.
        let picture = image::load_from_memory(&fixture(PICTURES[2])).unwrap();
        let mut lying = std::io::Cursor::new(Vec::new());
        imageops::rotate270(&picture.into_rgb8())
            .write_to(&mut lying, image::ImageFormat::Png)
            .unwrap();
        let lying = lying.into_inner();
        let [found, expected] =
            [own, &mut *shipped].map(|backend| only_face(backend, &lying, Layout::Turned(1)));
        assert_same(&found, &expected);
    }
}

#[test]
fn own_detectors_are_looked_at_for_eyes_as_the_shipped_one_is() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let shipped = &mut load_chosen(Graphs::Rewritten, Chosen::default());
    let theirs = detector(Kind::YuNet, &faces(shipped), 0.0);
    fs::write(home.join("theirs.onnx"), theirs).unwrap();
    add(home, "mine", "theirs.onnx", &DETECTOR).unwrap();
    let chosen = Chosen {
        detector: OwnModels::of_home(home).detector("mine").unwrap(),
        ..Chosen::default()
    };
    let request = AnalysisRequest {
        eyes: true,
        ..AnalysisRequest::of(Layout::Selfie)
    };
    let mut own = load_chosen(Graphs::Rewritten, chosen);
    let [found, expected] = [&mut own, shipped].map(|backend| {
        let analysis = backend.analyse(&fixture("obama.jpg"), &request).unwrap();
        analysis.faces[0].eyes.unwrap()
    });
    assert!((found.left - expected.left).abs() < 0.05, "{found:?}");
    assert!((found.right - expected.right).abs() < 0.05, "{found:?}");
}

#[test]
fn own_detectors_are_chosen_by_name_and_only_as_they_were_added() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let expected = faces(&mut load_chosen(Graphs::Rewritten, Chosen::default()));
    let theirs = detector(Kind::Scrfd, &expected, 0.0);
    fs::write(home.join("theirs.onnx"), theirs).unwrap();
    add(home, "mine", "theirs.onnx", &DETECTOR).unwrap();
    let again = add(home, "mine", "theirs.onnx", &[]).unwrap_err();
    assert!(again.contains("there is a model mine already"), "{again}");

    let assets = likeness::config::Config::from_env().unwrap().assets;
    let listed = Command::new(env!("CARGO_BIN_EXE_likeness"))
        .args(["models", "list"])
        .env("LIKENESS_HOME", home)
        .env("LIKENESS_ASSETS", assets)
        .env("LIKENESS_DETECTOR", "mine")
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.contains("mine             at work        ours"),
        "{listed}"
    );
    assert!(listed.contains("five points of each, as SCRFD"), "{listed}");
    assert!(listed.contains("fr_detect        not at work"), "{listed}");

    let calibrated = likeness(home, &["models", "calibrate", "mine", "--dataset", "faces"]);
    let refused = fault(calibrated);
    assert!(
        refused.contains("there is nothing to calibrate"),
        "{refused}"
    );
    let unknown = fault(with_detector(home, "another", &["openapi"]));
    assert!(unknown.contains("there is no model another"), "{unknown}");
    let file = home.join("own-models/mine/model.onnx");
    fs::write(file, "another").unwrap();
    let changed = fault(with_detector(home, "mine", &["openapi"]));
    assert!(changed.contains("not the file that was added"), "{changed}");
}

#[test]
fn what_is_no_detector_is_refused_with_a_reason_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let expected = faces(&mut load_chosen(Graphs::Rewritten, Chosen::default()));
    let write = |name: &str, kind, moved| {
        fs::write(home.join(name), detector(kind, &expected, moved)).unwrap();
    };
    write("elsewhere.onnx", Kind::YuNet, 80.0);
    write("nearby.onnx", Kind::Scrfd, 20.0);
    write("pointless.onnx", Kind::ScrfdWithoutPoints, 0.0);
    let model = |name: &str| shipped(name).to_str().unwrap().to_owned();
    for (name, file, options, reason) in [
        (
            "mine",
            "elsewhere.onnx".to_owned(),
            &[][..],
            "overlaps ours by",
        ),
        (
            "mine",
            "nearby.onnx".to_owned(),
            &[],
            "distances of the eyes from ours",
        ),
        (
            "mine",
            "nearby.onnx".to_owned(),
            &["--min-confidence", "0.95"],
            "no face",
        ),
        (
            "mine",
            "nearby.onnx".to_owned(),
            &["--min-confidence", "1"],
            "below 1",
        ),
        (
            "mine",
            "nearby.onnx".to_owned(),
            &["--mean", "0"],
            "--mean is no option",
        ),
        ("mine", "pointless.onnx".to_owned(), &[], "but no points"),
        ("mine", model("fr_detect.onnx"), &[], "multiples of 32"),
        ("mine", model("fr_landmark.onnx"), &[], "one colour picture"),
        (
            "fr_detect",
            "nearby.onnx".to_owned(),
            &[],
            "shipped embedder or detector",
        ),
    ] {
        let refused = add(home, name, &file, &[&DETECTOR, options].concat()).unwrap_err();
        assert!(refused.contains(reason), "{file}: {refused}");
    }
    let refused = add(home, "mine", "nearby.onnx", &["--min-confidence", "0.5"]).unwrap_err();
    assert!(
        refused.contains("--min-confidence is no option"),
        "{refused}"
    );
    assert!(OwnModels::of_home(home).list().unwrap().is_empty());
    assert_eq!(
        fs::read_dir(home.join("own-models")).map_or(0, Iterator::count),
        0
    );
}
