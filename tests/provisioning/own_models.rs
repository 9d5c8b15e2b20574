//! An embedder of the user's own: added, calibrated and at work; and what is not taken for one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::codecs::jpeg::JpegEncoder;
use image::imageops;
use likeness::assets::Assets;
use likeness::config::Config;
use likeness::domain::calibration::Calibration;
use likeness::domain::embedder::Embedder;
use likeness::domain::face::Template;
use likeness::models::OwnModels;
use likeness::vision::{AnalysisRequest, Embed, FaceBackend as _, Graphs, Layout, OnnxBackend};

use crate::models::{load, load_embedder};
use crate::onnx::as_somebody_elses;

const DIMENSIONS: usize = 256;

pub fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    fs::read(folder.join(name)).unwrap()
}

/// A shipped model, fetched the first time.
pub fn shipped(name: &str) -> PathBuf {
    let assets = Assets::open(&Config::from_env().unwrap().assets).unwrap();
    assets.ensure_inference().unwrap().models.join(name)
}

pub fn likeness(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_likeness"))
        .args(arguments)
        .current_dir(home)
        .env("LIKENESS_HOME", home)
        .env("LIKENESS_ASSETS", Config::from_env().unwrap().assets)
        .output()
        .unwrap()
}

pub fn add(home: &Path, name: &str, file: &str, more: &[&str]) -> Result<String, String> {
    let fixed = [
        "models",
        "add",
        name,
        "--onnx",
        file,
        "--licence",
        "ours",
        "--origin",
        "here",
    ];
    let output = likeness(home, &[&fixed, more].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

/// Eleven pictures of each of three people, each a little different.
pub fn dataset(folder: &Path) {
    let images = folder.join("faces/images");
    fs::create_dir_all(&images).unwrap();
    let people = [
        ("obama.jpg", "First_Person"),
        ("biden.jpg", "Second_Person"),
        ("astronaut.jpg", "Third_Person"),
    ];
    for (name, person) in people {
        let picture = image::load_from_memory(&fixture(name))
            .unwrap()
            .thumbnail(400, 400);
        for number in 1..=11_u32 {
            let brighter = imageops::brighten(&picture, 8 * (number as i32 - 6));
            let narrower = imageops::resize(
                &brighter,
                brighter.width() - 4 * number,
                brighter.height(),
                imageops::FilterType::Triangle,
            );
            let path = images.join(format!("{person}_{number:04}.jpg"));
            let file = fs::File::create(path).unwrap();
            let rgb = image::DynamicImage::from(narrower).into_rgb8();
            JpegEncoder::new_with_quality(file, 90 - number as u8)
                .encode_image(&rgb)
                .unwrap();
        }
    }
    let pairs = "fold,same,image_a,image_b\n\
                 1,1,First_Person_0001.jpg,First_Person_0002.jpg\n\
                 2,0,First_Person_0001.jpg,Second_Person_0001.jpg\n";
    fs::write(folder.join("faces/pairs.csv"), pairs).unwrap();
}

fn template(backend: &mut OnnxBackend, picture: &str) -> Template {
    let request = AnalysisRequest {
        embed: Embed::Largest,
        ..AnalysisRequest::of(Layout::Selfie)
    };
    let mut faces = backend.analyse(&fixture(picture), &request).unwrap().faces;
    faces.remove(0).template.unwrap()
}

#[test]
fn a_network_of_the_users_own_is_added_calibrated_and_at_work() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let shipped = fs::read(shipped("fr_feature.onnx")).unwrap();
    let theirs = as_somebody_elses(&shipped, DIMENSIONS as u64);
    fs::write(home.join("theirs.onnx"), theirs).unwrap();

    // What it takes is said wrongly: everybody looks alike to it, or nobody like themselves.
    let refused = add(
        home,
        "mine",
        "theirs.onnx",
        &["--mean", "0", "--scale", "100"],
    )
    .unwrap_err();
    assert!(refused.contains("two pictures of one man"), "{refused}");
    let rightly = ["--mean", "0", "--scale", "0.00392156862745098"];
    let added = add(home, "mine", "theirs.onnx", &rightly).unwrap();
    assert!(added.contains("templates of 256 values"), "{added}");
    let again = add(home, "mine", "theirs.onnx", &rightly).unwrap_err();
    assert!(again.contains("there is a model mine already"), "{again}");

    let listed = likeness(home, &["models", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.contains("mine             not calibrated ours"),
        "{listed}"
    );
    assert!(listed.contains("fr_feature       at work"), "{listed}");
    for told in [
        "takes 1 x 112 x 112 rgb as nhwc, (value - 0) * 0.003921569; gives embedding",
        "1 of the template mine (mine-",
        "0.2 of the template sface (fr_feature-87aacdfe+sface-fb143eea), calibrated on 2086 people of lfw",
        "0.7 of the template fused (fr_feature-87aacdfe+mobile_face_net-d8ba40c0), mirrored too",
    ] {
        assert!(listed.contains(told), "{told}: {listed}");
    }

    let early = Command::new(env!("CARGO_BIN_EXE_likeness"))
        .arg("openapi")
        .env("LIKENESS_HOME", home)
        .env("LIKENESS_EMBEDDER", "mine")
        .output()
        .unwrap();
    let early = String::from_utf8(early.stderr).unwrap();
    assert!(early.contains("likeness models calibrate mine"), "{early}");

    dataset(home);
    let calibrated = likeness(home, &["models", "calibrate", "mine", "--dataset", "faces"]);
    let errors = String::from_utf8_lossy(&calibrated.stderr);
    assert!(calibrated.status.success(), "{errors}");
    let embedder = OwnModels::of_home(home).embedder("mine").unwrap();
    assert_eq!(Calibration::of(embedder).non_mated_pairs, 363);

    let mine = &mut load_embedder(Graphs::Rewritten, embedder);
    let theirs = &mut load_embedder(Graphs::Rewritten, Embedder::FrFeature);
    let default = template(&mut load(Graphs::Rewritten), "obama.jpg");
    assert_eq!(template(mine, "obama.jpg").similarity(&default), None);
    for picture in ["obama.jpg", "biden.jpg", "astronaut.jpg"] {
        let found = template(mine, picture);
        assert_eq!(
            (found.model_id(), found.values().len()),
            (embedder.id(), DIMENSIONS)
        );
        let first = template(theirs, picture).values()[..DIMENSIONS].to_vec();
        let expected = Template::normalised(embedder.id(), first).unwrap();
        let similarity = found.similarity(&expected).unwrap();
        assert!(similarity > 0.999, "{picture}: {similarity}");
    }
}

#[test]
fn what_is_no_embedder_is_refused_with_a_reason_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::write(home.join("text.onnx"), "no model").unwrap();
    let model = |name: &str| shipped(name).to_str().unwrap().to_owned();
    for (name, file, reason) in [
        ("mine", "text.onnx".to_owned(), "cannot load the model"),
        (
            "mine",
            "nowhere.onnx".to_owned(),
            "cannot read nowhere.onnx",
        ),
        ("mine", model("fr_landmark.onnx"), "one colour picture is"),
        ("mine", model("fr_detect.onnx"), "has to be a square"),
        (
            "mine",
            model("fr_liveness.onnx"),
            "a template is [1, 16 to 4000]",
        ),
        ("Mine", model("fr_feature.onnx"), "small letters"),
        ("fused", model("fr_feature.onnx"), "shipped embedder"),
    ] {
        let refused = add(home, name, &file, &[]).unwrap_err();
        assert!(refused.contains(reason), "{file}: {refused}");
    }
    assert!(OwnModels::of_home(home).list().unwrap().is_empty());
    assert_eq!(
        fs::read_dir(home.join("own-models")).map_or(0, Iterator::count),
        0
    );
}
