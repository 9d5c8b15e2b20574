//! What every test binary needs: a PostgreSQL server of its own, and a fresh database for each test.

use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use likeness::assets::Assets;
use likeness::config::Config;
use likeness::domain::budget::Allowance;
use likeness::postgres::EmbeddedPostgres;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// The configuration of the machine that runs the tests, for the place of its assets. A database that it may name is
/// left alone: tests run on the embedded one. Tests ask for more than any caller may, and one that is about budgets sets
/// its own.
pub fn config() -> Config {
    let mut config =
        Config::from_env().expect("the environment holds a valid configuration, or none");
    config.allowance = Allowance::default();
    config.attempts = None;
    config
}

/// Assets are fetched into the ordinary home, once; the data live in a folder that goes with this process.
fn server() -> &'static EmbeddedPostgres {
    static SERVER: OnceLock<EmbeddedPostgres> = OnceLock::new();
    SERVER.get_or_init(|| {
        let assets = Assets::open(&config().assets).unwrap();
        EmbeddedPostgres::start_scratch(&assets.ensure_postgres().unwrap()).unwrap()
    })
}

/// A new, empty database whose user is a superuser there.
pub async fn database() -> SecretString {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let server = tokio::task::spawn_blocking(server).await.unwrap();
    let name = format!("test_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
    let options = PgConnectOptions::from_str(server.url().expose_secret()).unwrap();
    let mut connection = options.connect().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    options.database(&name).to_url_lossy().to_string().into()
}
