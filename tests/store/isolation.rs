//! One tenant never meets another, even in a statement that forgets to ask for it.

use likeness::domain::decision::Decision;
use likeness::store::{
    GalleryQuery, Store, StoreError, SubjectFilter, VerificationFilter, WatchlistFilter,
};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::audit::an_event;
use crate::fixture::{
    Fixture, actor, axis, first_page, insert_liveness_session, new_face, new_subject, tenant,
    verification,
};
use crate::images::{configured, enrol, keeping, key};

const TENANT_TABLES: [&str; 9] = [
    "watchlists",
    "subjects",
    "faces",
    "face_images",
    "verifications",
    "audit_events",
    "audit_heads",
    "liveness_sessions",
    "liveness_frames",
];

/// A database where `acme` has one record in each table.
async fn occupied() -> Fixture {
    let mut fixture = Fixture::new().await;
    fixture.store = configured(&fixture.store, key("a"), None);
    let acme = tenant("acme");
    let list = keeping(&fixture.store, "acme", "door").await;
    enrol(&fixture.store, "acme", list, "s").await;
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    transaction
        .insert_verification(&verification(Decision::Approved, None), None)
        .await
        .unwrap();
    transaction
        .append_audit_event(&actor("acme"), &an_event())
        .unwrap();
    insert_liveness_session(&mut transaction).await;
    transaction.commit().await.unwrap();
    fixture
}

async fn rows(connection: &mut PgConnection, table: &str) -> i64 {
    let statement = format!("select count(*) from {table}");
    sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_session_without_a_tenant_or_with_another_sees_no_row_at_all() {
    let fixture = occupied().await;
    for (tenant, expected) in [
        (None, 0),
        (Some(""), 0),
        (Some("other"), 0),
        (Some("acme"), 1),
    ] {
        let mut session = fixture.service(tenant).await;
        for table in TENANT_TABLES {
            assert_eq!(
                rows(&mut session, table).await,
                expected,
                "{table} as {tenant:?}"
            );
        }
    }
}

#[tokio::test]
async fn every_table_with_a_tenant_is_under_a_forced_policy() {
    let fixture = Fixture::new().await;
    // All but the queue of jobs and the turns of sweeps, which are read to find out whose turn it is, and say no more
    // than that.
    let unguarded: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c \
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant' \
         where c.relkind in ('r', 'p') and c.relname not in ('job_queue', 'retention_turns') and not (c.relrowsecurity and c.relforcerowsecurity \
         and exists (select from pg_policy p where p.polrelid = c.oid and p.polcmd = '*' \
         and p.polqual is not null and p.polwithcheck is not null))",
    )
    .fetch_all(&mut fixture.owner().await)
    .await
    .unwrap();
    assert_eq!(unguarded, Vec::<String>::new());
}

#[tokio::test]
async fn a_row_cannot_be_written_for_another_tenant() {
    let fixture = Fixture::new().await;
    let mut session = fixture.service(Some("acme")).await;
    for foreign in ["other", ""] {
        let error = sqlx::query(
            "insert into watchlists (tenant, id, name, kind, target_fpir) values ($1, $2, 'n', 'block', 0.01)",
        )
        .bind(foreign)
        .bind(Uuid::now_v7())
        .execute(&mut session)
        .await
        .unwrap_err();
        let message = error.to_string();
        assert!(message.contains("row-level security policy"), "{message}");
    }
}

#[tokio::test]
async fn a_row_cannot_be_written_without_a_tenant() {
    let fixture = Fixture::new().await;
    for unset in [None, Some("")] {
        let mut session = fixture.service(unset).await;
        let result = sqlx::query(
            "insert into watchlists (id, name, kind, target_fpir) values ($1, 'n', 'block', 0.01)",
        )
        .bind(Uuid::now_v7())
        .execute(&mut session)
        .await;
        assert!(result.is_err(), "{unset:?}");
    }
}

#[tokio::test]
async fn another_tenants_records_are_neither_found_nor_changed() {
    let fixture = occupied().await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    let mut own = fixture.store.begin(&acme).await.unwrap();
    let list = own
        .list_watchlists(&WatchlistFilter::default(), first_page(9))
        .await
        .unwrap()
        .items[0]
        .id;
    let subject = own
        .list_subjects(list, &SubjectFilter::default(), first_page(9))
        .await
        .unwrap()
        .items[0]
        .clone();
    let kept = own
        .list_verifications(&VerificationFilter::default(), first_page(9))
        .await
        .unwrap()
        .items[0]
        .verification
        .id;
    own.commit().await.unwrap();

    let mut foreign = fixture.store.begin(&other).await.unwrap();
    assert_eq!(foreign.find_watchlist(list).await.unwrap(), None);
    assert_eq!(foreign.find_watchlist_policy(list).await.unwrap(), None);
    assert_eq!(foreign.find_subject(list, subject.id).await.unwrap(), None);
    assert_eq!(foreign.find_verification(kept).await.unwrap(), None);
    let query = GalleryQuery {
        watchlist_id: list,
        min_similarity: -1.0,
    };
    assert_eq!(foreign.search(&[query], &axis(0), 9).await.unwrap(), []);
    assert!(
        !foreign
            .delete_face(list, subject.id, subject.faces[0].id)
            .await
            .unwrap()
    );
    assert!(!foreign.delete_subject(list, subject.id).await.unwrap());
    assert_eq!(foreign.delete_watchlist(list).await.unwrap(), None);
    assert!(!foreign.delete_verification(kept).await.unwrap());
    foreign.commit().await.unwrap();

    let mut own = fixture.store.begin(&acme).await.unwrap();
    assert_eq!(
        own.find_subject(list, subject.id).await.unwrap(),
        Some(subject)
    );
}

#[tokio::test]
async fn a_face_cannot_be_put_on_another_tenants_subject_or_on_one_of_another_list() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let (first, second) = (
        fixture.watchlist(&acme, "1").await,
        fixture.watchlist(&acme, "2").await,
    );
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let subject = transaction
        .insert_subject(first.id, new_subject("s"), &[])
        .await
        .unwrap();
    transaction.commit().await.unwrap();

    for (who, list, missing) in [
        ("acme", second.id, "faces_subject_fkey"),
        ("other", first.id, "galleries_watchlist_fkey"),
    ] {
        let mut transaction = fixture.store.begin(&tenant(who)).await.unwrap();
        let error = transaction
            .insert_face(list, new_face(subject.id, &axis(0)))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, StoreError::MissingReference { constraint } if constraint == missing),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_forgets_its_tenant_with_the_transaction() {
    let url = occupied().await.url;
    // A pool of one connection, so that `other` certainly gets the one that `acme` had.
    let store = Store::connect(&url, 1).await.unwrap();
    store
        .begin(&tenant("acme"))
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    store.ping().await.unwrap();
    let mut transaction = store.begin(&tenant("other")).await.unwrap();
    assert_eq!(
        transaction
            .list_watchlists(&WatchlistFilter::default(), first_page(9))
            .await
            .unwrap()
            .items,
        []
    );
}

#[tokio::test]
async fn the_services_role_may_not_change_whose_a_face_is_or_a_model() {
    let fixture = occupied().await;
    for statement in [
        "update faces set subject_id = subject_id",
        "update spare_templates set face_id = face_id",
        "update model_changes set to_model = to_model",
        "delete from model_changes",
        "update face_images set face_id = face_id",
        "update models set dimensions = 1",
        "delete from models",
        "truncate faces",
        "alter table faces disable row level security",
    ] {
        let mut session = fixture.service(Some("acme")).await;
        let error = sqlx::query(statement)
            .execute(&mut session)
            .await
            .unwrap_err();
        let database = error.as_database_error().unwrap();
        assert_eq!(
            database.code().as_deref(),
            Some("42501"),
            "{statement}: {database}"
        );
    }
}
