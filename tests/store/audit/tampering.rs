//! Whatever the owner of the database does to the log, the walk along it stops at the right place.

use likeness::store::{ChainFault, ChainHead};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, query, query_scalar};

use super::appending::RECIPE;
use super::{append, intact, verified};
use crate::fixture::{Fixture, actor};

/// Events of each tenant.
const EVENTS: i64 = 5;

/// The owner, who has put the guards away.
async fn tamperer(fixture: &Fixture) -> PgConnection {
    let mut owner = fixture.owner().await;
    for table in ["audit_events", "audit_heads"] {
        run(
            &mut owner,
            &format!("alter table {table} disable trigger all"),
        )
        .await;
    }
    owner
}

async fn run(owner: &mut PgConnection, statement: &str) {
    query(AssertSqlSafe(statement.to_owned()))
        .execute(owner)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Writes the hashes anew from an event on, so that it and those after it are in order by themselves.
async fn rehash(owner: &mut PgConnection, tenant: &str, from: i64) {
    for sequence in from..=EVENTS {
        let at = format!("tenant = '{tenant}' and sequence = {sequence}");
        let link = format!(
            "update audit_events set previous_hash = coalesce((select hash from audit_events where \
             tenant = '{tenant}' and sequence = {sequence} - 1), previous_hash) where {at}"
        );
        run(owner, &link).await;
        run(
            owner,
            &format!("update audit_events set hash = {RECIPE} where {at}"),
        )
        .await;
    }
}

#[tokio::test]
async fn every_edit_deletion_and_reordering_is_found_at_its_place() {
    use ChainFault as F;
    let at3 = |change: &str| {
        format!("update audit_events set {change} where tenant = $ and sequence = 3")
    };
    let cases: Vec<(String, F)> = vec![
        (at3("created_at = created_at + interval '1 microsecond'"), F::Changed(3)),
        (at3("created_at = 'infinity'"), F::Changed(3)),
        (at3("action = 'verification.created'"), F::Changed(3)),
        (at3("subject = subject || 'x'"), F::Changed(3)),
        (at3("subject = '', request_id = subject || request_id"), F::Changed(3)),
        (at3("request_id = 'another'"), F::Changed(3)),
        (at3("resource_id = gen_random_uuid()"), F::Changed(3)),
        (at3("resource_id = null"), F::Changed(3)),
        (at3("detail = replace(detail, ':', ': ')"), F::Changed(3)),
        (at3("detail = '{}'"), F::Changed(3)),
        (at3("previous_hash = hash"), F::Changed(3)),
        (at3("hash = previous_hash"), F::Changed(3)),
        (at3("sequence = 9"), F::Missing(3, 3)),
        (at3("tenant = 'elsewhere'"), F::Missing(3, 3)),
        ("delete from audit_events where tenant = $ and sequence = 1".into(), F::Missing(1, 1)),
        ("delete from audit_events where tenant = $ and sequence = 3".into(), F::Missing(3, 3)),
        ("delete from audit_events where tenant = $ and sequence between 2 and 4".into(), F::Missing(2, 4)),
        ("delete from audit_events where tenant = $ and sequence = 5".into(), F::Missing(5, 5)),
        ("delete from audit_events where tenant = $ and sequence > 3".into(), F::Missing(4, 5)),
        ("delete from audit_events where tenant = $".into(), F::Missing(1, 5)),
        ("delete from audit_heads where tenant = $".into(), F::BeyondHead(0)),
        ("update audit_heads set hash = sha256('x') where tenant = $".into(), F::HeadDiffers(5)),
        (
            "update audit_heads set sequence = 4, hash = (select hash from audit_events as e \
             where e.tenant = $ and e.sequence = 4) where tenant = $".into(),
            F::BeyondHead(4),
        ),
        ("update audit_heads set sequence = 7 where tenant = $".into(), F::Missing(6, 7)),
        // Two events change places, with all that they say.
        (
            "update audit_events set sequence = -sequence where tenant = $ and sequence in (2, 3); \
             update audit_events set sequence = 5 + sequence where tenant = $ and sequence < 0".into(),
            F::Changed(2),
        ),
        // An event is put in, with whatever hash.
        (
            "insert into audit_events select tenant, 6, created_at, action, subject, request_id, resource_id, detail, \
             hash, sha256('x') from audit_events where tenant = $ and sequence = 5".into(),
            F::Changed(6),
        ),
        // The first event is played back at the end.
        (
            "insert into audit_events select tenant, 6, created_at, action, subject, request_id, resource_id, detail, \
             previous_hash, hash from audit_events where tenant = $ and sequence = 1".into(),
            F::Changed(6),
        ),
    ];
    let fixture = Fixture::new().await;
    let mut owner = tamperer(&fixture).await;
    run(
        &mut owner,
        "alter table audit_events drop constraint audit_events_sequence_positive",
    )
    .await;
    append(&fixture.store, &actor("bystander"), 5).await;
    let mut found = 0;
    for (number, (change, expected)) in cases.iter().enumerate() {
        let name = format!("t{number}");
        append(&fixture.store, &actor(&name), 5).await;
        assert_eq!(intact(&fixture.url, &name).await, EVENTS);
        for statement in change.split("; ") {
            run(&mut owner, &statement.replace('$', &format!("'{name}'"))).await;
        }
        let report = verified(&fixture.url, &name, None).await;
        assert_eq!(report.fault, Some(*expected), "{change}");
        assert!(
            report.intact.sequence <= expected.sequence().max(EVENTS),
            "{change}"
        );
        found += 1;
    }
    assert_eq!(intact(&fixture.url, "bystander").await, EVENTS);
    eprintln!("{found} tamperings, each found at its place");
}

#[tokio::test]
async fn an_event_without_what_a_column_must_hold_is_changed_and_no_fault_of_the_reader() {
    let fixture = Fixture::new().await;
    append(&fixture.store, &actor("acme"), 5).await;
    let mut owner = tamperer(&fixture).await;
    let columns = [
        "created_at",
        "action",
        "subject",
        "request_id",
        "detail",
        "previous_hash",
        "hash",
    ];
    for column in columns.into_iter().rev() {
        run(
            &mut owner,
            &format!("alter table audit_events alter column {column} drop not null"),
        )
        .await;
        run(
            &mut owner,
            &format!("update audit_events set {column} = null where sequence = 4"),
        )
        .await;
        let report = verified(&fixture.url, "acme", None).await;
        assert_eq!(report.fault, Some(ChainFault::Changed(4)), "{column}");
        assert_eq!(report.intact.sequence, 3);
    }
}

#[tokio::test]
async fn an_edit_with_its_hash_made_anew_shows_where_the_next_event_follows_another_one() {
    let fixture = Fixture::new().await;
    append(&fixture.store, &actor("acme"), 5).await;
    let mut owner = tamperer(&fixture).await;
    run(
        &mut owner,
        "update audit_events set subject = 'nobody' where sequence = 3",
    )
    .await;
    let at = format!("update audit_events set hash = {RECIPE} where sequence = 3");
    run(&mut owner, &at).await;
    let report = verified(&fixture.url, "acme", None).await;
    assert_eq!(report.fault, Some(ChainFault::Unlinked(4)));
}

#[tokio::test]
async fn a_log_that_is_written_anew_does_not_end_in_its_head() {
    let fixture = Fixture::new().await;
    append(&fixture.store, &actor("acme"), 5).await;
    let mut owner = tamperer(&fixture).await;
    run(
        &mut owner,
        "update audit_events set subject = 'nobody' where sequence = 3",
    )
    .await;
    rehash(&mut owner, "acme", 3).await;
    let report = verified(&fixture.url, "acme", None).await;
    assert_eq!(report.fault, Some(ChainFault::HeadDiffers(5)));
}

#[tokio::test]
async fn only_a_head_that_was_noted_elsewhere_shows_a_log_that_is_written_anew_with_its_head() {
    let fixture = Fixture::new().await;
    let acme = actor("acme");
    append(&fixture.store, &acme, 4).await;
    let early = verified(&fixture.url, "acme", None).await.intact;
    append(&fixture.store, &acme, 1).await;
    let late = verified(&fixture.url, "acme", None).await.intact;
    for noted in [early, late] {
        // As it is written down and read again.
        let noted: ChainHead = noted.to_string().parse().unwrap();
        let report = verified(&fixture.url, "acme", Some(noted)).await;
        assert_eq!((report.intact, report.fault), (late, None));
    }

    let mut owner = tamperer(&fixture).await;
    let keep = "create table kept as select * from audit_events";
    run(&mut owner, keep).await;
    let set_head = "update audit_heads set (sequence, hash) = \
                    (select sequence, hash from audit_events order by sequence desc limit 1)";
    run(
        &mut owner,
        "update audit_events set subject = 'nobody' where sequence = 3",
    )
    .await;
    rehash(&mut owner, "acme", 3).await;
    run(&mut owner, set_head).await;
    assert_eq!(
        intact(&fixture.url, "acme").await,
        5,
        "nothing in the database shows it"
    );
    for (noted, fault) in [
        (early, ChainFault::NotAsNoted(4)),
        (late, ChainFault::NotAsNoted(5)),
    ] {
        let report = verified(&fixture.url, "acme", Some(noted)).await;
        assert_eq!(report.fault, Some(fault));
    }

    // Cut off at its end, head and all.
    run(&mut owner, "delete from audit_events").await;
    run(
        &mut owner,
        "insert into audit_events select * from kept where sequence < 5",
    )
    .await;
    run(&mut owner, set_head).await;
    assert_eq!(intact(&fixture.url, "acme").await, 4);
    let report = verified(&fixture.url, "acme", Some(late)).await;
    assert_eq!(report.fault, Some(ChainFault::Missing(5, 5)));
    assert_eq!(
        verified(&fixture.url, "acme", Some(early)).await.fault,
        None
    );

    // All of it gone.
    run(&mut owner, "delete from audit_events").await;
    run(&mut owner, "delete from audit_heads").await;
    let report = verified(&fixture.url, "acme", Some(early)).await;
    assert_eq!(report.fault, Some(ChainFault::Missing(1, 4)));
}

#[tokio::test]
async fn the_log_goes_on_beside_a_walk_along_it() {
    let fixture = Fixture::new().await;
    let acme = actor("acme");
    append(&fixture.store, &acme, 50).await;
    let writing = append(&fixture.store, &acme, 100);
    let reading = async {
        let mut before = 0;
        for _ in 0..20 {
            let now = intact(&fixture.url, "acme").await;
            assert!(now >= before);
            before = now;
        }
    };
    tokio::join!(writing, reading);
    let total: i64 = query_scalar("select count(*) from audit_events")
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!((total, intact(&fixture.url, "acme").await), (150, 150));
}
