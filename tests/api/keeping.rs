//! What is not kept: pictures, and templates of those who are only verified.

use std::time::{Duration, Instant};

use likeness::domain::audit::Actor;
use likeness::domain::ids::TenantId;
use likeness::store::{Holder, NewJobRow, RowContent, Store};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::app::{App, Options, picture};
use crate::support;

async fn owner(database: &SecretString) -> PgConnection {
    PgConnection::connect(database.expose_secret())
        .await
        .unwrap()
}

async fn count(owner: &mut PgConnection, statement: String) -> i64 {
    let counted = sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(owner)
        .await;
    counted.unwrap()
}

/// The tables that hold a text, or its bytes, in some row.
async fn holding(owner: &mut PgConnection, text: &str) -> Vec<String> {
    let tables: Vec<String> =
        sqlx::query_scalar("select relname::text from pg_stat_user_tables order by 1")
            .fetch_all(&mut *owner)
            .await
            .unwrap();
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut holding = Vec::new();
    for table in tables {
        let statement = format!(
            "select count(*) from {table} as row where row::text like '%{text}%' or row::text like '%{hex}%'"
        );
        if count(owner, statement).await > 0 {
            holding.push(table);
        }
    }
    holding
}

fn sharing(database: &SecretString) -> Options {
    Options {
        database: Some(database.clone()),
        ..Options::default()
    }
}

#[tokio::test]
async fn of_a_verification_neither_picture_nor_template_is_kept() {
    let database = support::database().await;
    let app = App::start_with(sharing(&database)).await;
    let canary = |name: &str| picture(json!({"faces": [{"person": 1}], "note": name}));
    let made = app
        .verify(canary("canary4711a"), canary("canary4711b"))
        .await;
    let made = made.expect(StatusCode::CREATED);
    let mut owner = owner(&database).await;
    assert_eq!(holding(&mut owner, "canary4711").await, [""; 0]);
    assert_eq!(
        holding(&mut owner, made["id"].as_str().unwrap()).await,
        ["audit_events", "verifications"]
    );
    // Whatever could hold a template: vectors, and long lists of numbers.
    assert_eq!(
        count(&mut owner, "select count(*) from faces".to_owned()).await,
        0
    );
    let longest = "select coalesce(max(jsonb_array_length(list)), 0)::bigint \
         from verifications, jsonb_path_query(record, 'strict $.** ? (@.type() == \"array\")') as list";
    assert!(count(&mut owner, longest.to_owned()).await <= 4);
}

#[tokio::test]
async fn pictures_of_a_list_are_not_kept_once_their_faces_are() {
    let database = support::database().await;
    let app = App::start_with(sharing(&database)).await;
    let list = app.watchlist("l", "alert").await;
    let image = picture(json!({"faces": [{"person": 1}], "note": "canary4711"}));
    app.enrol(&list, "k", image).await;
    assert_eq!(
        holding(&mut owner(&database).await, "canary4711").await,
        [""; 0]
    );
}

#[tokio::test]
async fn a_failed_a_cancelled_and_an_abandoned_import_keep_no_pictures() {
    let database = support::database().await;
    let acme = TenantId::parse("acme").unwrap();
    let first = App::start_with(sharing(&database)).await;
    let list = first.watchlist("l", "alert").await;
    let list = list.parse::<uuid::Uuid>().unwrap().into();
    let store = Store::connect(&database, 2).await.unwrap();
    let maker = Actor {
        tenant: acme.clone(),
        subject: "tester".to_owned(),
        request_id: "r".to_owned(),
    };
    // All at once, so that no runner is there in between.
    let mut transaction = store.begin(&acme).await.unwrap();
    for end in ["failed", "cancelled", "abandoned"] {
        let job = transaction
            .insert_job(list, &maker, Holder::new(), Duration::ZERO)
            .await
            .unwrap();
        let row = NewJobRow {
            number: 1,
            line: None,
            file: Some("a.jpg".to_owned()),
            external_id: Some("a".to_owned()),
            content: Ok(RowContent {
                display_name: None,
                metadata: serde_json::Map::new(),
                valid_until: None,
                consent: None,
                image: b"canary4711".to_vec(),
            }),
        };
        transaction.insert_job_rows(job, vec![row]).await.unwrap();
        if end != "abandoned" {
            transaction.open_job(job, 1, 0).await.unwrap().unwrap();
        }
        match end {
            "failed" => transaction.fail_job(job).await.unwrap(),
            "cancelled" => assert!(transaction.cancel_job(job).await.unwrap()),
            _ => {}
        }
    }
    transaction.commit().await.unwrap();
    let mut owner = owner(&database).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holding(&mut owner, "canary4711").await.is_empty() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let jobs = first.get("/v1/jobs").await.expect(StatusCode::OK);
    let mut states: Vec<_> = jobs["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["state"].as_str().unwrap())
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["cancelled", "failed"], "the abandoned one is gone");
}
