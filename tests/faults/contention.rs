//! A database that answers, but not us: no free session, locked rows, no writes.

use std::time::{Duration, Instant};

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::backend::person;
use crate::client::{Client, Outcome, hits};
use crate::history::names;
use crate::inside::{CONNECTIONS, Inside};
use crate::process::{Place, program};
use crate::support;

/// A caller is told within this, and not left hanging.
const TOLD_WITHIN: Duration = Duration::from_secs(13);

async fn owner(database: &SecretString) -> PgConnection {
    PgConnection::connect(database.expose_secret())
        .await
        .unwrap()
}

async fn run(connection: &mut PgConnection, statement: &'static str) {
    let done = sqlx::raw_sql(statement).execute(connection).await;
    done.unwrap();
}

/// Refused with a time to try again, and soon.
#[track_caller]
fn assert_refused(what: &str, begun: Instant, answer: &Outcome) {
    assert!(
        matches!(answer, Outcome::Refused(503)),
        "{what}: {answer:?}"
    );
    assert!(
        begun.elapsed() < TOLD_WITHIN,
        "{what}: {:?}",
        begun.elapsed()
    );
}

async fn eventually_done(client: &Client, list: &str, key: &str, number: u64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = client.enrol(list, key, person(number)).await;
        if answer.is_done() {
            return;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_list_is_a_503_and_leaves_the_others_alone() {
    let database = support::database().await;
    let service = Inside::start(&database).await;
    let client = &service.client;
    let (locked, free) = (
        client.watchlist("locked").await,
        client.watchlist("free").await,
    );
    let mut blocker = owner(&database).await;
    let mut transaction = blocker.begin().await.unwrap();
    let lock = format!("select from watchlists where id = '{locked}' for update");
    sqlx::raw_sql(AssertSqlSafe(lock))
        .execute(&mut *transaction)
        .await
        .unwrap();

    let begun = Instant::now();
    // Fewer than the pool has connections.
    let waiting = (1..u64::from(CONNECTIONS)).map(|number| {
        let (client, locked) = (client.clone(), locked.clone());
        async move {
            client
                .enrol(&locked, &number.to_string(), person(number))
                .await
        }
    });
    let waiting = tokio::spawn(futures_util::future::join_all(waiting));
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.enrol(&free, "meanwhile", person(100)).await.done();
    for answer in waiting.await.unwrap() {
        assert_refused("an enrolment on the locked list", begun, &answer);
    }
    transaction.rollback().await.unwrap();
    assert!(client.subjects(&locked).await.is_empty());
    client
        .enrol(&locked, "afterwards", person(200))
        .await
        .done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_person_is_a_503_for_whoever_changes_them_and_stays_as_they_are() {
    let database = support::database().await;
    let service = Inside::start(&database).await;
    let client = &service.client;
    let list = client.watchlist("door").await;
    let made = client.enrol(&list, "locked", person(1)).await.done();
    let locked = made["id"].as_str().unwrap();
    let elsewhere = client.watchlist("gate").await;
    let before = client.subjects(&list).await;
    let mut blocker = owner(&database).await;
    let mut transaction = blocker.begin().await.unwrap();
    let lock = format!("select from subjects where id = '{locked}' for update");
    sqlx::raw_sql(AssertSqlSafe(lock))
        .execute(&mut *transaction)
        .await
        .unwrap();

    let subjects = format!("/v1/watchlists/{list}/subjects");
    let renamed = json!({"display_name": "somebody else"});
    let somebody = format!("{subjects}/{locked}");
    let changes = [
        client.request(Method::PATCH, &somebody).json(&renamed),
        client
            .request(Method::PUT, &format!("{subjects}/by-external-id/locked"))
            .json(&renamed),
        client.request(Method::DELETE, &somebody),
    ];
    let begun = Instant::now();
    let waiting = changes.map(|request| {
        let client = client.clone();
        async move { client.send(request).await }
    });
    let waiting = tokio::spawn(futures_util::future::join_all(waiting));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let read = client.get(&somebody).await.done();
    assert_eq!(
        read["display_name"],
        json!(null),
        "reading waits for nobody"
    );
    // Nor does another list; changes of the same one take turns.
    client
        .enrol(&elsewhere, "meanwhile", person(2))
        .await
        .done();
    for answer in waiting.await.unwrap() {
        assert_refused("a change of the locked person", begun, &answer);
    }
    transaction.rollback().await.unwrap();
    assert_eq!(client.subjects(&list).await, before);
    let patch = client.request(Method::PATCH, &somebody);
    client.send(patch.json(&renamed)).await.done();
    client.delete(&list, locked).await.done();
    assert!(client.subjects(&list).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_whose_sessions_all_wait_turns_callers_away_and_comes_back() {
    let database = support::database().await;
    let service = Inside::start(&database).await;
    let client = &service.client;
    let list = client.watchlist("door").await;
    client.enrol(&list, "before", person(1)).await.done();
    let mut blocker = owner(&database).await;
    let mut transaction = blocker.begin().await.unwrap();
    sqlx::raw_sql("lock table subjects in access exclusive mode")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let begun = Instant::now();
    let callers = (0..4 * CONNECTIONS).map(|_| client.search(&list, person(1)));
    let answers = futures_util::future::join_all(callers).await;
    for answer in &answers {
        assert_refused("a search without a session", begun, answer);
    }
    assert_eq!(
        client.readiness().await.0,
        200,
        "the sessions are free again"
    );
    transaction.rollback().await.unwrap();
    let found = client.search(&list, person(1)).await.done();
    assert!(names(&found, "before"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_free_session_is_a_503_until_there_is_one() {
    let server = likeness::postgres::EmbeddedPostgres::start_scratch(&program()).unwrap();
    let service = Inside::start(server.url()).await;
    let client = &service.client;
    let list = client.watchlist("door").await;
    client.enrol(&list, "before", person(1)).await.done();
    let mut owner = owner(server.url()).await;
    // Sessions that do nothing but sleep, until the server takes no more; those of the service are ended then.
    let mut sleepers = Vec::new();
    while let Ok(mut sleeper) = PgConnection::connect(server.url().expose_secret()).await {
        sleepers.push(tokio::spawn(async move {
            let _ = sqlx::raw_sql("select pg_sleep(600)")
                .execute(&mut sleeper)
                .await;
        }));
        run(
            &mut owner,
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'likeness'",
        )
        .await;
    }
    assert!(sleepers.len() > 50, "{}", sleepers.len());
    let begun = Instant::now();
    assert_refused("a search", begun, &client.search(&list, person(1)).await);
    assert_eq!(client.readiness().await.0, 503);
    run(
        &mut owner,
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()",
    )
    .await;
    eventually_done(client, &list, "afterwards", 2).await;
    let found = client.search(&list, person(1)).await.done();
    assert_eq!(hits(&found), ["before"]);
    assert_eq!(client.readiness().await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_read_and_refuses_the_rest() {
    let server = likeness::postgres::EmbeddedPostgres::start_scratch(&program()).unwrap();
    let place = Place::new().with_database(server.url());
    let service = place.serve();
    let client = place.client();
    let list = client.watchlist("door").await;
    client.enrol(&list, "before", person(1)).await.done();
    let mut owner = owner(server.url()).await;
    run(
        &mut owner,
        "alter system set default_transaction_read_only = on",
    )
    .await;
    run(&mut owner, "select pg_reload_conf()").await;

    let deadline = Instant::now() + Duration::from_secs(2);
    let degraded = json!({"status": "degraded", "parts": ["database_writes"]});
    while client.readiness().await != (200, degraded.clone()) {
        assert!(Instant::now() < deadline, "{:?}", client.readiness().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = client.enrol(&list, "meanwhile", person(2)).await;
    assert_refused("an enrolment", Instant::now(), &answer);
    // Nobody is searched for without a trace in the audit log, which takes no more events.
    let answer = client.search(&list, person(1)).await;
    assert_refused("a search", Instant::now(), &answer);
    assert_eq!(client.subjects(&list).await.len(), 1);

    run(&mut owner, "set default_transaction_read_only = off").await;
    run(
        &mut owner,
        "alter system reset default_transaction_read_only",
    )
    .await;
    run(&mut owner, "select pg_reload_conf()").await;
    eventually_done(&client, &list, "afterwards", 3).await;
    assert_eq!(client.readiness().await, (200, json!({"status": "ok"})));
    assert!(service.stop().await.0.success());
}
