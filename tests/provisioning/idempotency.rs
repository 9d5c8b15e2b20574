//! `Idempotency-Key` through kills: a real service with real models is killed at any moment of enrolments, and every key
//! comes to one effect and one answer.
//!
//! `LIKENESS_TEST_ROUNDS` says how often it is killed; a few times unless it is set.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::RngExt as _;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

/// Kills, unless more are asked for.
const ROUNDS: usize = 4;
/// Callers who enrol at the same time.
const CALLERS: usize = 4;
/// More than a claim lasts after its holder was killed, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest that a round works before the kill.
const LIFE_MS: u64 = 2_500;

fn rounds() -> usize {
    std::env::var("LIKENESS_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// The people to be enrolled: a key each, and what it was first answered.
#[derive(Default)]
struct Ledger {
    keys: AtomicUsize,
    answers: Mutex<BTreeMap<String, Value>>,
}

impl Ledger {
    fn new_key(&self) -> String {
        format!("person-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    fn every_key(&self) -> Vec<String> {
        let keys = 0..self.keys.load(Ordering::Relaxed);
        keys.map(|number| format!("person-{number}")).collect()
    }

    /// An answer that a caller has seen. Whoever asks again has to see the same.
    fn note(&self, key: &str, answer: Value) {
        let mut answers = self.answers.lock().unwrap();
        let first = answers
            .entry(key.to_owned())
            .or_insert_with(|| answer.clone());
        assert_eq!(*first, answer, "{key}");
    }
}

/// Enrols a person under a key. None where the service is dead or tells to come again.
async fn enrol(scene: &Scene, list: &str, key: &str) -> Option<Value> {
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/astronaut.jpg");
    // Nothing but the key keeps a second one from being made.
    let form = Form::new()
        .text("display_name", key.to_owned())
        .part("image", Part::bytes(std::fs::read(picture).unwrap()));
    let request = scene.request(Method::POST, &format!("/v1/watchlists/{list}/subjects"));
    let request = request.header("Idempotency-Key", key).multipart(form);
    let answer = request.send().await.ok()?;
    match answer.status() {
        StatusCode::CREATED => answer.json().await.ok(),
        StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => None,
        other => panic!("{key}: {other} {}", answer.text().await.unwrap_or_default()),
    }
}

/// One caller: new people, until the service answers no more.
async fn call(scene: &Scene, list: &str, ledger: &Ledger) {
    loop {
        let key = ledger.new_key();
        match enrol(scene, list, &key).await {
            Some(answer) => ledger.note(&key, answer),
            None => return,
        }
    }
}

#[tokio::test]
async fn whatever_is_killed_when_each_key_has_one_effect_and_one_answer() {
    let scene = Scene::new("watchlist:read watchlist:write");
    let ledger = Ledger::default();
    let mut service = scene.serve();
    let made = scene.request(Method::POST, "/v1/watchlists");
    let made = made.json(&json!({"name": "people"})).send().await.unwrap();
    let list: Value = made.json().await.unwrap();
    let list = list["id"].as_str().unwrap();
    let rounds = rounds();
    for _ in 0..rounds {
        let life = Duration::from_millis(rand::rng().random_range(50..LIFE_MS));
        let callers = join_all((0..CALLERS).map(|_| call(&scene, list, &ledger)));
        let kill = async {
            tokio::time::sleep(life).await;
            // SIGKILL: the service cleans nothing up.
            service.kill().unwrap();
            service.wait().unwrap();
        };
        tokio::join!(callers, kill);
        service = scene.serve();
    }
    let acknowledged = ledger.answers.lock().unwrap().len();
    let deadline = Instant::now() + PATIENCE;
    for key in ledger.every_key() {
        let answer = loop {
            assert!(Instant::now() < deadline, "{key} has no answer");
            match enrol(&scene, list, &key).await {
                Some(answer) => break answer,
                None => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        };
        ledger.note(&key, answer);
    }
    let answers = ledger.answers.lock().unwrap().clone();
    let mut enrolled = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = format!("/v1/watchlists/{list}/subjects?limit=200{cursor}");
        let page = scene.get(&page).await;
        for subject in page["items"].as_array().unwrap() {
            let key = subject["display_name"].as_str().unwrap().to_owned();
            let twin = enrolled.insert(key, subject["id"].clone());
            assert_eq!(twin, None, "{subject} is there twice");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let answered: BTreeMap<_, _> = answers
        .iter()
        .map(|(key, answer)| (key.clone(), answer["id"].clone()))
        .collect();
    assert_eq!(
        enrolled, answered,
        "one subject a key, and the one that was answered"
    );
    println!(
        "{} keys through {rounds} kills: {acknowledged} answered before the last retries, {} subjects, none twice",
        answers.len(),
        enrolled.len()
    );
    assert!(acknowledged > 0 && answers.len() > acknowledged);
    service.kill().unwrap();
    service.wait().unwrap();
}
