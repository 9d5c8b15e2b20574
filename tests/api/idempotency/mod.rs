//! `Idempotency-Key`: one effect and one answer, whatever comes twice, at once, or after something went wrong.

mod deletion;
mod failures;
mod repetition;
mod rivals;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::app::{Answer, App, Options, picture};
use crate::support;

/// A service whose database can be looked into.
struct Scene {
    app: App,
    database: SecretString,
}

impl Scene {
    async fn new() -> Self {
        let database = support::database().await;
        let app = replica(&database).await;
        Self { app, database }
    }

    /// Runs a statement as the owner of the database, and tells how many rows it touched.
    async fn sql(&self, statement: &str) -> u64 {
        let mut owner = PgConnection::connect(self.database.expose_secret())
            .await
            .unwrap();
        let done = sqlx::query(AssertSqlSafe(statement.to_owned()))
            .execute(&mut owner)
            .await;
        done.unwrap().rows_affected()
    }

    async fn count(&self, rows: &str) -> i64 {
        let mut owner = PgConnection::connect(self.database.expose_secret())
            .await
            .unwrap();
        sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {rows}")))
            .fetch_one(&mut owner)
            .await
            .unwrap()
    }

    /// Waits until a request with a key is being worked on.
    async fn running(&self) {
        while self
            .count("idempotency_keys where state = 'running' and locked_until > now()")
            .await
            == 0
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// Another service over the same database.
async fn replica(database: &SecretString) -> App {
    App::start_with(Options {
        database: Some(database.clone()),
        queue_capacity: Some(64),
        ..Options::default()
    })
    .await
}

/// A person who takes that long to look at.
fn slow(person: usize, takes_ms: u64) -> Vec<u8> {
    picture(json!({"faces": [{"person": person}], "takes_ms": takes_ms}))
}

fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}

/// Sends a form with a key. Each form has a boundary of its own.
async fn post(app: &App, path: &str, key: &str, form: Form) -> Answer {
    let request = app.request(Method::POST, path);
    Answer::of(request.header("Idempotency-Key", key).multipart(form)).await
}

fn is_replay(answer: &Answer) -> bool {
    let header = answer.headers.get("idempotency-replayed");
    header.is_some_and(|value| value == "true")
}

/// Fails unless one answer is the other's repetition.
#[track_caller]
fn assert_replayed(first: &Answer, again: &Answer) {
    assert!(!is_replay(first) && is_replay(again), "{again:?}");
    assert_eq!(again.status, first.status);
    assert_eq!(again.body, first.body);
    for name in ["location", "content-type", "cache-control"] {
        assert_eq!(again.headers.get(name), first.headers.get(name), "{name}");
    }
}

async fn items(app: &App, path: &str) -> Vec<Value> {
    let page = app.get(path).await.expect(StatusCode::OK);
    page["items"].as_array().unwrap().clone()
}
