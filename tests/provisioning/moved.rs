//! A list of real faces that is moved to an embedder of the user's own, which is added and calibrated while it is searched.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::onnx::as_somebody_elses;
use crate::own_models::{add, dataset, fixture, likeness, shipped};
use crate::scene::Scene;

const DIMENSIONS: u64 = 256;
const PATIENCE: Duration = Duration::from_secs(240);
const PEOPLE: [&str; 3] = ["obama", "biden", "astronaut"];

async fn post(scene: &Scene, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = scene.request(Method::POST, path).json(body).send().await;
    let answer = answer.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn post_picture(scene: &Scene, path: &str, person: &str) -> Value {
    let form = Form::new()
        .text("external_id", person.to_owned())
        .part("image", Part::bytes(fixture(&format!("{person}.jpg"))));
    let answer = scene.request(Method::POST, path).multipart(form).send();
    let answer = answer.await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

async fn search(scene: &Scene, list: &str, person: &str) -> Value {
    let form = Form::new().part("image", Part::bytes(fixture(&format!("{person}.jpg"))));
    let path = format!("/v1/watchlists/{list}/search");
    let answer = scene.request(Method::POST, &path).multipart(form).send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// Searches without a pause, each time for somebody who has to be found first.
async fn search_on(scene: &Scene, list: &str, stop: &AtomicBool, answers: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        for person in PEOPLE {
            let answer = search(scene, list, person).await;
            assert_eq!(answer["hits"][0]["external_id"], person, "{answer}");
            answers.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Does something in the home of the service, on a thread of its own.
async fn beside(scene: &Scene, act: fn(&Path)) {
    let home = scene.home.path().to_owned();
    let acting = tokio::task::spawn_blocking(move || act(&home));
    acting.await.unwrap();
}

fn add_mine(home: &Path) {
    let theirs = as_somebody_elses(&fs::read(shipped("fr_feature.onnx")).unwrap(), DIMENSIONS);
    fs::write(home.join("theirs.onnx"), theirs).unwrap();
    let takes = ["--mean", "0", "--scale", "0.00392156862745098"];
    add(home, "mine", "theirs.onnx", &takes).unwrap();
}

fn calibrate_mine(home: &Path) {
    dataset(home);
    let calibrated = likeness(home, &["models", "calibrate", "mine", "--dataset", "faces"]);
    assert!(calibrated.status.success());
}

/// Adds the model beside the service, moves the list to it, and back.
async fn move_there_and_back(scene: &Scene, list: &str) {
    let activate = json!({"watchlist_id": list, "switch": "manual"});
    let path = "/v1/models/mine/activate";
    assert_eq!(post(scene, path, &activate).await.0, StatusCode::NOT_FOUND);
    beside(scene, add_mine).await;
    let (status, refused) = post(scene, path, &activate).await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("model_not_usable"))
    );
    beside(scene, calibrate_mine).await;

    let before = search(scene, list, "obama").await;
    let (status, begun) = post(scene, path, &activate).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{begun}");
    let change = format!("/v1/watchlists/{list}/model_change");
    let started = Instant::now();
    loop {
        let now = scene.get(&change).await;
        let is_shadowed = now["searches"].as_u64().unwrap() >= 3;
        if now["state"] == "ready" && is_shadowed {
            assert_eq!(now["searches"], now["agreed"], "{now}");
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{now}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (status, _) = post(scene, &format!("{change}/switch"), &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let after = search(scene, list, "obama").await;
    assert_eq!(after["searched"]["embedder"], begun["to_embedder"]);
    post_picture(scene, &format!("/v1/watchlists/{list}/subjects"), "obama2").await;
    let (status, _) = post(scene, &format!("{change}/roll_back"), &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let back = search(scene, list, "obama").await;
    assert_eq!(back["searched"]["embedder"], begun["from_embedder"]);
    for field in ["subject_id", "similarity"] {
        assert_eq!(back["hits"][0][field], before["hits"][0][field]);
    }
}

#[tokio::test]
async fn a_list_is_moved_to_a_model_that_is_added_while_it_is_searched() {
    let scene = Scene::new("watchlist:read watchlist:write admin");
    let mut service = scene.serve();
    let new = json!({"name": "door", "kind": "block", "keep_images": true});
    let (status, made) = post(&scene, "/v1/watchlists", &new).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let list = made["id"].as_str().unwrap();
    for person in PEOPLE {
        post_picture(&scene, &format!("/v1/watchlists/{list}/subjects"), person).await;
    }
    let (stop, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let moving = async {
        move_there_and_back(&scene, list).await;
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(moving, search_on(&scene, list, &stop, &answers));
    let answers = answers.into_inner();
    assert!(answers > 10, "{answers}");
    eprintln!("{answers} searches while the list was moved, each of them right");
    service.kill().unwrap();
    service.wait().unwrap();
}
