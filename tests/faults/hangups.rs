//! A caller hangs up at every moment of an enrolment.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

use crate::backend::{person, slow_person};
use crate::client::Outcome;
use crate::inside::Inside;
use crate::process::setting;
use crate::support;

/// What looking at the picture takes, and what the rest of an enrolment may take on a busy machine.
const LOOKING_MS: u64 = 40;
const LONGEST_MS: u64 = 150;

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_whose_caller_hangs_up_is_whole_or_not_there() {
    let database = support::database().await;
    let service = Inside::start(&database).await;
    let list = service.client.watchlist("door").await;
    let step = setting("FAULTS_HANGUP_STEP_MS", 10, 2);
    let mut keys = Vec::new();
    for wait_ms in (0..LONGEST_MS).step_by(usize::try_from(step).unwrap()) {
        let key = wait_ms.to_string();
        // A connection of its own, which ends with the request.
        let client = service.client.another();
        let request = client.enrol(&list, &key, slow_person(wait_ms, LOOKING_MS));
        let _ = timeout(Duration::from_millis(wait_ms), request).await;
        drop(client);
        keys.push((key, wait_ms));
    }
    // Whatever still runs ends by itself.
    sleep(Duration::from_millis(2 * LONGEST_MS)).await;
    let mut owner = PgConnection::connect(database.expose_secret())
        .await
        .unwrap();
    let open: i64 = sqlx::query_scalar(
        "select count(*) from pg_stat_activity where application_name = 'likeness' and datname = current_database() \
         and state <> 'idle'",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(open, 0, "transactions that nobody ends");
    let before = service.client.subjects(&list).await.len();
    for (key, number) in &keys {
        // Tried again, it is made now or was made then.
        let again = service.client.enrol(&list, key, person(*number)).await;
        let fine = matches!(&again, Outcome::Done(_))
            || matches!(&again, Outcome::Wrong(said) if said.starts_with("409"));
        assert!(fine, "{again:?}");
    }
    let subjects = service.client.subjects(&list).await;
    eprintln!(
        "{} hang-ups: {before} enrolments were whole, none half",
        keys.len()
    );
    assert_eq!(subjects.len(), keys.len());
    for subject in subjects {
        assert_eq!(subject["faces"].as_array().unwrap().len(), 1, "{subject}");
    }
}
