//! How events get into the log, and that they stay as they are.

use std::time::Duration;

use likeness::domain::audit::AuditAction;
use likeness::store::{AuditFilter, AuditReader, Store, StoreError};
use sqlx::{AssertSqlSafe, Connection as _};

use super::{an_event, another_event, append, intact};
use crate::fixture::{Fixture, actor, first_page, new_watchlist};

/// The recipe of the module `store::audit::chain`, as somebody would run it who does not have this program.
pub const RECIPE: &str = "sha256(convert_to((\
     select string_agg(octet_length(part) || ':' || part || ',', '' order by place) \
     from unnest(array['likeness-audit-1', tenant, sequence::text, \
     trunc(extract(epoch from created_at) * 1000000)::text, action, subject, request_id, \
     coalesce(resource_id::text, ''), detail, encode(previous_hash, 'hex')]) \
     with ordinality as parts (part, place)), 'UTF8'))";

#[tokio::test]
async fn events_are_numbered_without_gaps_and_each_holds_the_hash_of_the_one_before() {
    let fixture = Fixture::new().await;
    let mut acme = actor("acme");
    acme.subject = "Jürgen, 5:x,".to_owned();
    append(&fixture.store, &acme, 3).await;
    // Several of one transaction follow each other as well.
    let mut transaction = fixture.store.begin(&acme.tenant).await.unwrap();
    for event in [an_event(), another_event(), an_event()] {
        transaction.append_audit_event(&acme, &event).unwrap();
    }
    transaction.commit().await.unwrap();
    append(&fixture.store, &actor("other"), 2).await;

    assert_eq!(intact(&fixture.url, "acme").await, 6);
    assert_eq!(intact(&fixture.url, "other").await, 2);
    let mut reader = AuditReader::connect(&fixture.url).await.unwrap();
    assert_eq!(reader.tenants().await.unwrap(), ["acme", "other"]);

    let mut transaction = fixture.store.begin(&acme.tenant).await.unwrap();
    let events = transaction
        .list_audit_events(&AuditFilter::default(), first_page(9))
        .await
        .unwrap()
        .items;
    let numbers: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    for pair in events.windows(2) {
        assert_eq!(pair[0].previous_hash, pair[1].hash);
        assert!(pair[0].created_at >= pair[1].created_at);
    }
    assert_eq!(events[5].previous_hash, [0; 32]);
    assert_eq!(events[1].action, "watchlist.deleted");
    assert_eq!(events[1].detail["faces"], 3);
    assert_eq!(
        events[1].detail["watchlist_id"],
        events[1].resource_id.unwrap().to_string()
    );
    assert_eq!(
        (events[0].subject.as_str(), events[0].request_id.as_str()),
        ("Jürgen, 5:x,", "request-1")
    );
}

#[tokio::test]
async fn whoever_has_a_database_can_recompute_the_hashes_by_the_recipe() {
    let fixture = Fixture::new().await;
    let mut acme = actor("acme");
    acme.subject = "Jürgen, 5:x,".to_owned();
    append(&fixture.store, &acme, 3).await;
    let statement = format!("select count(*) from audit_events where hash = {RECIPE}");
    let same: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(same, 3);
}

#[tokio::test]
async fn what_did_not_happen_is_not_in_the_log() {
    let fixture = Fixture::new().await;
    let acme = actor("acme");
    let mut dropped = fixture.store.begin(&acme.tenant).await.unwrap();
    dropped.append_audit_event(&acme, &an_event()).unwrap();
    drop(dropped);
    assert_eq!(intact(&fixture.url, "acme").await, 0);
    append(&fixture.store, &acme, 1).await;

    // The database refuses something else of the transaction.
    let mut refused = fixture.store.begin(&acme.tenant).await.unwrap();
    refused.append_audit_event(&acme, &an_event()).unwrap();
    let list = new_watchlist(&"x".repeat(201));
    assert!(refused.insert_watchlist(list).await.is_err());
    assert!(refused.commit().await.is_err());
    assert_eq!(intact(&fixture.url, "acme").await, 1);
}

#[tokio::test]
async fn what_cannot_be_logged_does_not_happen() {
    let fixture = Fixture::new().await;
    let acme = actor("acme");
    sqlx::query("revoke insert on audit_events from likeness_service")
        .execute(&mut fixture.owner().await)
        .await
        .unwrap();
    let mut transaction = fixture.store.begin(&acme.tenant).await.unwrap();
    let list = transaction
        .insert_watchlist(new_watchlist("door"))
        .await
        .unwrap();
    transaction.append_audit_event(&acme, &an_event()).unwrap();
    assert!(transaction.commit().await.is_err());
    let mut transaction = fixture.store.begin(&acme.tenant).await.unwrap();
    assert_eq!(transaction.find_watchlist(list.id).await.unwrap(), None);
}

#[tokio::test]
async fn many_writers_of_several_processes_make_one_chain() {
    let fixture = Fixture::new().await;
    // As two processes: each with a pool of its own. Among the first events is that of making the head.
    let second = Store::connect(&fixture.url, 5).await.unwrap();
    let writers = (0..40).map(|number| {
        let store = if number % 2 == 0 {
            &fixture.store
        } else {
            &second
        }
        .clone();
        tokio::spawn(async move {
            let acme = actor("acme");
            for _ in 0..5 {
                let mut transaction = store.begin(&acme.tenant).await.unwrap();
                transaction.append_audit_event(&acme, &an_event()).unwrap();
                transaction
                    .append_audit_event(&acme, &another_event())
                    .unwrap();
                transaction.commit().await.unwrap();
            }
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(intact(&fixture.url, "acme").await, 400);
}

#[tokio::test]
async fn a_transaction_that_has_something_to_log_keeps_nobody_waiting_until_it_commits() {
    let fixture = Fixture::new().await;
    let acme = actor("acme");
    append(&fixture.store, &acme, 1).await;
    let mut slow = fixture.store.begin(&acme.tenant).await.unwrap();
    slow.append_audit_event(&acme, &another_event()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), append(&fixture.store, &acme, 2))
        .await
        .expect("nobody holds the chain");
    slow.commit().await.unwrap();
    assert_eq!(intact(&fixture.url, "acme").await, 4);
}

#[tokio::test]
async fn answers_of_one_tenant_are_each_logged_once_and_before_they_are_given() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let answers = (0..300).map(|number| async move {
        let acme = actor(if number % 3 == 0 { "other" } else { "acme" });
        store.append_audit_event(&acme, &an_event()).await
    });
    let acme = actor("acme");
    let effects = append(store, &acme, 20);
    let (answers, ()) = tokio::join!(futures_util::future::join_all(answers), effects);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(intact(&fixture.url, "acme").await, 220);
    assert_eq!(intact(&fixture.url, "other").await, 100);
}

#[tokio::test]
async fn answers_that_wait_for_their_log_leave_the_connections_to_others() {
    let fixture = Fixture::new().await;
    // A pool of two, and somebody else who holds the chain of one tenant.
    let store = Store::connect(&fixture.url, 2).await.unwrap();
    append(&store, &actor("acme"), 1).await;
    let mut owner = fixture.owner().await;
    let mut holder = owner.begin().await.unwrap();
    sqlx::query("select from audit_heads where tenant = 'acme' for update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let (acme, other) = (actor("acme"), actor("other"));
    let event = an_event();
    let waiting = (0..50).map(|_| store.append_audit_event(&acme, &event));
    let mut waiting = std::pin::pin!(futures_util::future::join_all(waiting));
    tokio::select! {
        _ = &mut waiting => panic!("the chain is held"),
        () = append(&store, &other, 30) => {}
    }
    assert_eq!(intact(&fixture.url, "other").await, 30);
    holder.rollback().await.unwrap();
    assert!(waiting.await.iter().all(Result::is_ok));
    assert_eq!(intact(&fixture.url, "acme").await, 51);
}

#[tokio::test]
async fn an_answer_that_cannot_be_logged_is_an_error_for_everybody_who_waits() {
    let fixture = Fixture::new().await;
    let run = async |statement: &'static str| {
        let mut owner = fixture.owner().await;
        sqlx::query(statement).execute(&mut owner).await.unwrap();
    };
    let acme = actor("acme");
    let event = an_event();
    let ask = || async {
        let answers = (0..20).map(|_| fixture.store.append_audit_event(&acme, &event));
        futures_util::future::join_all(answers).await
    };
    run("revoke insert on audit_events from likeness_service").await;
    let refused = ask().await;
    assert!(
        refused
            .iter()
            .all(|answer| matches!(answer, Err(StoreError::Database(_)))),
        "{refused:?}"
    );
    run("grant insert on audit_events to likeness_service").await;
    assert!(ask().await.iter().all(Result::is_ok));
    assert_eq!(intact(&fixture.url, "acme").await, 20);
    fixture.store.close().await;
    let refused = ask().await;
    assert!(
        refused
            .iter()
            .all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_log_is_read_by_page_and_filter() {
    let fixture = Fixture::new().await;
    let (mut eve, acme) = (actor("acme"), actor("acme"));
    eve.subject = "eve".to_owned();
    append(&fixture.store, &acme, 2).await;
    append(&fixture.store, &eve, 2).await;
    let mut transaction = fixture.store.begin(&acme.tenant).await.unwrap();
    let event = another_event();
    transaction.append_audit_event(&eve, &event).unwrap();
    transaction.commit().await.unwrap();

    let mut transaction = fixture.store.begin(&acme.tenant).await.unwrap();
    let all = transaction
        .list_audit_events(&AuditFilter::default(), first_page(9))
        .await
        .unwrap()
        .items;
    let filter = AuditFilter::default;
    for (filter, expected) in [
        (filter(), vec![5, 4, 3, 2, 1]),
        (
            AuditFilter {
                action: Some(AuditAction::WatchlistDeleted),
                ..filter()
            },
            vec![5],
        ),
        (
            AuditFilter {
                resource_id: event.resource_id(),
                ..filter()
            },
            vec![5],
        ),
        (
            AuditFilter {
                subject: Some("eve".to_owned()),
                action: Some(AuditAction::VerificationDeleted),
                ..filter()
            },
            vec![4, 3],
        ),
        (
            AuditFilter {
                created_after: Some(all[3].created_at),
                created_before: Some(all[0].created_at),
                ..filter()
            },
            vec![4, 3, 2],
        ),
        (
            AuditFilter {
                subject: Some("mallory".to_owned()),
                ..filter()
            },
            vec![],
        ),
    ] {
        let mut numbers = Vec::new();
        let mut page = first_page(2);
        loop {
            let found = transaction.list_audit_events(&filter, page).await.unwrap();
            numbers.extend(found.items.iter().map(|event| event.sequence));
            page.after = found.next;
            if found.next.is_none() {
                break;
            }
        }
        assert_eq!(numbers, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn neither_the_service_nor_the_owner_can_change_what_is_in_the_log() {
    let fixture = Fixture::new().await;
    append(&fixture.store, &actor("acme"), 3).await;
    let statements = [
        "update audit_events set detail = detail",
        "update audit_events set subject = 'nobody' where sequence = 1",
        "delete from audit_events where sequence = 3",
        "truncate audit_events",
        "delete from audit_heads",
        "truncate audit_heads",
        "update audit_heads set sequence = sequence - 1",
        "update audit_heads set hash = hash",
    ];
    let mut owner_as_replica = fixture.owner().await;
    sqlx::query("set session_replication_role = replica")
        .execute(&mut owner_as_replica)
        .await
        .unwrap();
    for mut session in [
        fixture.service(Some("acme")).await,
        fixture.owner().await,
        owner_as_replica,
    ] {
        for statement in statements {
            let refused = sqlx::query(statement).execute(&mut session).await;
            let refused = refused.unwrap_err();
            let code = refused.as_database_error().unwrap().code().unwrap();
            assert_eq!(code, "42501", "{statement}: {refused}");
        }
    }
    assert_eq!(intact(&fixture.url, "acme").await, 3);
}

#[tokio::test]
async fn whoever_does_not_see_every_event_is_told_so_and_not_that_all_is_well() {
    let fixture = Fixture::new().await;
    append(&fixture.store, &actor("acme"), 1).await;
    let mut owner = fixture.owner().await;
    // Roles belong to the whole cluster, databases of other tests included.
    let (database,): (String,) = sqlx::query_as("select current_database()::text")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let role = format!("auditor_of_{database}");
    for statement in [
        format!("create role {role} login password 'secret'"),
        format!("grant select on audit_events, audit_heads to {role}"),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut owner)
            .await
            .unwrap();
    }
    let url = fixture.url_for(&role, "secret");
    let refused = AuditReader::connect(&url).await.unwrap_err();
    assert!(matches!(refused, StoreError::UnsafeSession(_)), "{refused}");
}
