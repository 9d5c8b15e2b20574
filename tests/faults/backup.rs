//! A backup is taken under load and restored in another place: whatever was acknowledged before it began is there.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use likeness::postgres::EmbeddedPostgres;
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection};

use crate::backend::person;
use crate::history::{Effect, History, names};
use crate::load::Load;
use crate::process::{Place, program};

const PEOPLE: u64 = 40;

fn run(name: &str, arguments: &[&str], file: &Path) {
    let output = Command::new(program().bin(name))
        .args(arguments)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_taken_under_load_is_restored_whole() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("backup.dump");
    let (old, new) = (
        EmbeddedPostgres::start_scratch(&program()).unwrap(),
        EmbeddedPostgres::start_scratch(&program()).unwrap(),
    );
    let place = Place::new().with_database(old.url());
    let service = place.serve();
    let client = place.client();
    let (list, busy) = (
        client.watchlist("kept").await,
        client.watchlist("busy").await,
    );
    let mut history = History::default();
    for number in 0..PEOPLE {
        let key = format!("before-{number}");
        client.enrol(&list, &key, person(number)).await.done();
        history.enrolled(&key, Effect::Done);
    }
    let load = Load::start(&client, &[busy], 4);
    load.progress(10, Duration::from_secs(30)).await;
    run(
        "pg_dump",
        &[
            "--format=custom",
            "--dbname",
            old.url().expose_secret(),
            "--file",
        ],
        &dump,
    );
    let _ = load.stop().await;
    client.enrol(&list, "after", person(PEOPLE)).await.done();
    history.enrolled("after", Effect::Not);
    assert!(service.stop().await.0.success());
    old.stop();

    // The role that the service works as belongs to the server, not to the database: a new server has to have it.
    let mut owner = PgConnection::connect(new.url().expose_secret())
        .await
        .unwrap();
    sqlx::raw_sql("create role likeness_service nologin")
        .execute(&mut owner)
        .await
        .unwrap();
    run(
        "pg_restore",
        &["--exit-on-error", "--dbname", new.url().expose_secret()],
        &dump,
    );
    let place = Place::new().with_database(new.url());
    let service = place.serve();
    let client = place.client();
    let verdict = history.check(&client, std::slice::from_ref(&list)).await;
    eprintln!("restored: {verdict}");
    verdict.assert_clean();
    let found = client.search(&list, person(7)).await.done();
    assert!(names(&found, "before-7"), "{found}");
    client.enrol(&list, "new", person(PEOPLE + 1)).await.done();
    assert!(service.stop().await.0.success());
}
