//! How the store comes up on servers of other people.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use likeness::domain::ids::TenantId;
use likeness::store::{Store, StoreError};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::audit::{append, intact};
use crate::fixture::{MODEL, actor, axis, database, new_subject, new_watchlist, search, tenant};

#[tokio::test]
async fn two_services_may_start_on_an_empty_database_at_once() {
    let url = database().await;
    let (one, two) = tokio::join!(Store::connect(&url, 2), Store::connect(&url, 2));
    one.unwrap().ping().await.unwrap();
    two.unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn a_closed_or_unreachable_database_is_unavailable() {
    let url = database().await;
    let store = Store::connect(&url, 1).await.unwrap();
    store.close().await;
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));
    let acme = tenant("acme");
    assert!(matches!(
        store.begin(&acme).await.map(|_| ()),
        Err(StoreError::Unavailable(_))
    ));
    // Port 1 is nobody's.
    let nobody = SecretString::from("postgres://postgres@127.0.0.1:1/postgres");
    let refused = Store::connect(&nobody, 1).await.map(|_| ());
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_url_that_is_none_is_called_so() {
    let refused = Store::connect(&SecretString::from("not a url"), 1)
        .await
        .map(|_| ());
    assert!(
        matches!(refused, Err(StoreError::InvalidUrl(_))),
        "{refused:?}"
    );
}

/// A log that is kept.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a store says of its server while it comes up.
async fn warnings(url: &SecretString) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || writer.clone());
    // All of it happens on the one thread of this test.
    let listening = tracing::subscriber::set_default(subscriber.finish());
    Store::connect(url, 1).await.unwrap();
    drop(listening);
    let said = log.0.lock().unwrap().clone();
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_server_that_may_forget_what_it_confirmed_is_warned_of() {
    let url = database().await;
    let options = PgConnectOptions::from_str(url.expose_secret()).unwrap();
    let name = options.get_database().unwrap().to_owned();
    let mut owner = options.connect().await.unwrap();
    for (value, is_warned_of) in [("on", false), ("off", true)] {
        let set = format!("alter database {name} set synchronous_commit = {value}");
        run(&mut owner, set).await;
        let said = warnings(&url).await;
        let warning = "synchronous_commit is off on the database server";
        assert_eq!(said.contains(warning), is_warned_of, "{said}");
    }
}

async fn run(connection: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .unwrap();
}

/// A login without any privilege that owns its database, as a careful administrator would set it up.
async fn plain_login(admin: &mut PgConnection, url: &SecretString) -> (String, SecretString) {
    let options = PgConnectOptions::from_str(url.expose_secret()).unwrap();
    let database = options.get_database().unwrap().to_owned();
    let login = format!("{database}_login");
    run(
        admin,
        format!(
            "drop role if exists {login}; create role {login} login password 'p'; create extension vector; \
             alter database {database} owner to {login}; alter schema public owner to {login}"
        ),
    )
    .await;
    let url = options.username(&login).password("p").to_url_lossy();
    (login, url.to_string().into())
}

async fn enrol_search_and_delete(store: &Store, acme: &TenantId) {
    let mut transaction = store.begin(acme).await.unwrap();
    let list = transaction
        .insert_watchlist(new_watchlist("door"))
        .await
        .unwrap()
        .id;
    transaction
        .insert_subject(list, new_subject("s"), &[axis(0)])
        .await
        .unwrap();
    assert_eq!(
        search(&mut transaction, list, &axis(0), 0.9, 1)
            .await
            .nearest
            .len(),
        1
    );
    assert!(transaction.delete_watchlist(list).await.unwrap().is_some());
    assert_eq!(transaction.find_watchlist(list).await.unwrap(), None);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_unprivileged_owner_needs_only_to_be_let_into_the_role() {
    // Makes sure that the role exists in the cluster.
    Store::connect(&database().await, 1).await.unwrap();
    let admin_url = database().await;
    let mut admin = PgConnection::connect(admin_url.expose_secret())
        .await
        .unwrap();
    let (login, url) = plain_login(&mut admin, &admin_url).await;

    let refused = Store::connect(&url, 1).await.map(|_| ()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("may not become likeness_service"),
        "{refused}"
    );

    run(&mut admin, format!("grant likeness_service to {login}")).await;
    let store = Store::connect(&url, 1).await.unwrap();
    store
        .register_model(MODEL, crate::fixture::DIMENSIONS)
        .await
        .unwrap();
    enrol_search_and_delete(&store, &tenant("acme")).await;
    // The owner sees the audit log of every tenant, though row-level security binds them.
    append(&store, &actor("acme"), 2).await;
    assert_eq!(intact(&url, "acme").await, 2);
}
