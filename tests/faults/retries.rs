//! Requests are repeated with their keys while the service is killed: whatever is asked for is there once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::backend::person;
use crate::client::{Client, Outcome};
use crate::process::{Place, setting};

/// A dead service's key is free again after 15 seconds, and a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long the service runs between two kills, at least.
const BETWEEN_KILLS: Duration = Duration::from_millis(1_500);
const PAUSE: Duration = Duration::from_millis(50);

/// What is asked for again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Enrolment,
    Verification,
    Review,
    Erasure,
    Import,
}

const KINDS: [Kind; 5] = [
    Kind::Enrolment,
    Kind::Verification,
    Kind::Review,
    Kind::Erasure,
    Kind::Import,
];

/// Asks for things of one kind until it is told to stop.
struct Caller {
    client: Client,
    list: String,
    kind: Kind,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    /// Requests beyond the first for one thing.
    repetitions: u64,
}

/// What a caller was told: ids by their keys.
type Told = BTreeMap<String, String>;

impl Caller {
    async fn run(mut self) -> (Kind, Told, u64) {
        let mut told = Told::new();
        for turn in 1.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let key = format!("{:?}-{turn}", self.kind);
            let id = self.make(&key, turn).await;
            told.insert(key, id);
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        (self.kind, told, self.repetitions)
    }

    /// Makes one thing, and asks for it once more when it is made.
    async fn make(&mut self, key: &str, turn: u64) -> String {
        let path = match self.kind {
            Kind::Enrolment | Kind::Verification | Kind::Import => String::new(),
            Kind::Review => {
                let before = format!("{key}-before");
                let check = self.insist(&before, |this| this.check(key, turn)).await;
                let check = text(&check["id"]);
                format!("/v1/verifications/{check}/review")
            }
            Kind::Erasure => {
                let before = format!("{key}-before");
                self.insist(&before, |this| {
                    this.client.enrolment(&this.list, key, person(turn))
                })
                .await;
                "/v1/erasures".to_owned()
            }
        };
        let request = |this: &Self| match this.kind {
            Kind::Enrolment => this.client.enrolment(&this.list, key, person(turn)),
            Kind::Verification => this.check(key, turn),
            Kind::Review => {
                let review = json!({"decision": "declined", "note": key});
                this.client.request(Method::POST, &path).json(&review)
            }
            Kind::Erasure => {
                let whom = json!({"external_id": key});
                this.client.request(Method::POST, &path).json(&whom)
            }
            Kind::Import => this.import(key),
        };
        let made = self.insist(key, request).await;
        let again = self.insist(key, request).await;
        assert_eq!(made, again, "{key} is answered as before");
        if self.kind == Kind::Erasure {
            assert_eq!(made["erased"]["subjects"], 1, "{made}");
        }
        text(&made["id"])
    }

    /// Sends a request with its key until it is answered.
    async fn insist(&mut self, key: &str, request: impl Fn(&Self) -> RequestBuilder) -> Value {
        let begun = Instant::now();
        loop {
            let request = request(self).header("Idempotency-Key", key);
            match self.client.send(request).await {
                Outcome::Done(answer) => return answer,
                Outcome::Wrong(said) if !said.contains("idempotency_key_in_use") => {
                    panic!("{key}: {said}")
                }
                Outcome::Wrong(_) | Outcome::Refused(_) | Outcome::NotSent | Outcome::Broken => {}
            }
            self.repetitions += 1;
            assert!(begun.elapsed() < PATIENCE, "{key} is never answered");
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn check(&self, key: &str, turn: u64) -> RequestBuilder {
        let form = Form::new()
            .text("external_id", key.to_owned())
            .part("selfie", Part::bytes(person(turn)))
            .part("document", Part::bytes(person(turn)));
        self.client
            .request(Method::POST, "/v1/verifications")
            .multipart(form)
    }

    fn import(&self, key: &str) -> RequestBuilder {
        let line = json!({"external_id": key, "display_name": key});
        self.client
            .request(
                Method::POST,
                &format!("/v1/watchlists/{}/imports", self.list),
            )
            .header("content-type", "application/x-ndjson")
            .body(line.to_string())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What is there of a kind, by the keys that were sent where records show them, or by their ids.
async fn present(client: &Client, list: &str, kind: Kind) -> Vec<(String, String)> {
    let path = match kind {
        Kind::Enrolment => format!("/v1/watchlists/{list}/subjects?limit=200"),
        Kind::Verification | Kind::Review => "/v1/verifications?limit=200".to_owned(),
        Kind::Erasure => "/v1/erasures?limit=200".to_owned(),
        Kind::Import => "/v1/jobs?limit=200".to_owned(),
    };
    let records = client.all(&path).await;
    let prefix = format!("{kind:?}-");
    let named = records.iter().filter_map(|record| {
        let id = text(&record["id"]);
        let key = match kind {
            Kind::Erasure | Kind::Import => Some(id.clone()),
            Kind::Enrolment | Kind::Verification | Kind::Review => record["external_id"]
                .as_str()
                .filter(|key| key.starts_with(&prefix))
                .map(str::to_owned),
        };
        key.map(|key| (key, id))
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// Everything that was answered is there once, and nothing else of its kind.
async fn assert_once(client: &Client, list: &str, kind: Kind, told: &Told) {
    let present = present(client, list, kind).await;
    let expected = told.iter().map(|(key, id)| match kind {
        Kind::Erasure | Kind::Import => (id.clone(), id.clone()),
        Kind::Enrolment | Kind::Verification | Kind::Review => (key.clone(), id.clone()),
    });
    let mut expected: Vec<_> = expected.collect();
    expected.sort();
    assert_eq!(present, expected, "{kind:?}");
    if kind == Kind::Review {
        for id in told.values() {
            let check = client.get(&format!("/v1/verifications/{id}")).await.done();
            assert_eq!(check["reviews"].as_array().unwrap().len(), 1, "{check}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_repeated_with_its_key_through_kills_is_made_once() {
    let place = Place::new();
    let mut service = place.serve();
    let client = place.client();
    let list = client.watchlist("door").await;
    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut callers = JoinSet::new();
    for kind in KINDS {
        let caller = Caller {
            client: client.another(),
            list: list.clone(),
            kind,
            stop: Arc::clone(&stop),
            answered: Arc::clone(&answered),
            repetitions: 0,
        };
        callers.spawn(caller.run());
    }
    let kills = setting("FAULTS_RETRIED_KILLS", 2, 25);
    for _ in 0..kills {
        let before = answered.load(Ordering::Relaxed);
        tokio::time::sleep(BETWEEN_KILLS).await;
        let begun = Instant::now();
        while answered.load(Ordering::Relaxed) < before + KINDS.len() as u64 {
            assert!(begun.elapsed() < PATIENCE, "no progress");
            tokio::time::sleep(PAUSE).await;
        }
        service.kill();
        service = place.serve();
    }
    stop.store(true, Ordering::Relaxed);
    let (mut made, mut repetitions) = (BTreeMap::new(), 0);
    for (kind, told, repeated) in callers.join_all().await {
        assert_once(&client, &list, kind, &told).await;
        made.insert(kind, told.len());
        repetitions += repeated;
    }
    eprintln!("{made:?} through {kills} kills, {repetitions} requests sent again: each there once");
    assert!(repetitions > 0, "a kill is noticed");
    assert_eq!(made.len(), KINDS.len());
    assert!(service.stop().await.0.success());
}
