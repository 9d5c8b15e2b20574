//! A service whose clock is ten minutes off that of the database: the database's decides, so that all replicas agree.

use std::str::FromStr as _;
use std::time::Duration;

use likeness::store::{KeyClaim, KeyedRequest, NewSubject, Store};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use time::OffsetDateTime;

use crate::fixture::{
    DIMENSIONS, MODEL, axis, database, new_subject, new_watchlist, search, tenant,
};

/// A database whose clock is so many minutes ahead of ours: its functions for the time are found before the server's.
async fn database_ahead(minutes: i32) -> SecretString {
    let url = database().await;
    let options = PgConnectOptions::from_str(url.expose_secret()).unwrap();
    let name = options.get_database().unwrap();
    let mut owner = PgConnection::connect_with(&options).await.unwrap();
    let mut statements = format!(
        "create schema shifted; grant usage on schema shifted to public; \
         alter database {name} set search_path = shifted, pg_catalog, public;"
    );
    for clock in ["now", "clock_timestamp"] {
        statements += &format!(
            "create function shifted.{clock}() returns timestamptz language sql stable \
             return pg_catalog.{clock}() + interval '{minutes} minutes';"
        );
    }
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut owner)
        .await
        .unwrap();
    url
}

async fn store(url: &SecretString) -> Store {
    let store = Store::connect(url, 5).await.unwrap();
    store.register_model(MODEL, DIMENSIONS).await.unwrap();
    store
}

#[tokio::test]
async fn whether_somebody_is_still_valid_is_the_databases_to_say() {
    let acme = tenant("acme");
    for (ahead, valid_for, found) in [
        (0, 5, 1),
        (0, -5, 0),
        (10, 5, 0),
        (10, 15, 1),
        (-10, -5, 1),
        (-10, -15, 0),
    ] {
        let store = store(&database_ahead(ahead).await).await;
        let mut transaction = store.begin(&acme).await.unwrap();
        let list = transaction.insert_watchlist(new_watchlist("door")).await;
        let list = list.unwrap().id;
        let subject = NewSubject {
            valid_until: Some(OffsetDateTime::now_utc() + time::Duration::minutes(valid_for)),
            ..new_subject("somebody")
        };
        let made = transaction.insert_subject(list, subject, &[axis(0)]).await;
        made.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = store.begin(&acme).await.unwrap();
        let hits = search(&mut transaction, list, &axis(0), 0.9, 5).await;
        assert_eq!(
            hits.nearest.len(),
            found,
            "{ahead} minutes ahead, valid for {valid_for}"
        );
    }
}

#[tokio::test]
async fn a_key_is_held_and_kept_for_as_long_as_the_databases_clock_says() {
    let acme = tenant("acme");
    let request = KeyedRequest {
        key_hash: [1; 32],
        fingerprint: [7; 32],
    };
    let (long, over) = (Duration::from_secs(60), Duration::ZERO);
    for ahead in [-10, 0, 10] {
        let store = store(&database_ahead(ahead).await).await;
        let claim = async |lease, life| {
            let mut transaction = store.begin(&acme).await.unwrap();
            let claim = transaction.claim_key(&request, lease, life).await.unwrap();
            transaction.commit().await.unwrap();
            claim
        };
        // Nobody else gets it meanwhile, though by one of the clocks the lease was over before it began.
        assert!(matches!(claim(long, long).await, KeyClaim::Held(_)));
        assert_eq!(claim(long, long).await, KeyClaim::Running, "{ahead}");
        assert_eq!(store.delete_expired_keys().await.unwrap(), 0, "{ahead}");

        let store = self::store(&database_ahead(ahead).await).await;
        let claim = async |lease, life| {
            let mut transaction = store.begin(&acme).await.unwrap();
            let claim = transaction.claim_key(&request, lease, life).await.unwrap();
            transaction.commit().await.unwrap();
            claim
        };
        // What is over is over, though by one of the clocks it would last for ten minutes more.
        assert!(matches!(claim(over, long).await, KeyClaim::Held(_)));
        assert!(matches!(claim(over, over).await, KeyClaim::Held(_)));
        assert_eq!(store.delete_expired_keys().await.unwrap(), 1, "{ahead}");
    }
}
