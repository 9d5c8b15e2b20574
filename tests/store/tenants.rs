//! Every table that has a tenant, asked as the service's own role with statements that name another tenant, or none.
//!
//! The tables come from the catalogue. One that a migration adds fails here until [`everything`] puts a row into it.

use std::num::NonZeroU32;

use likeness::domain::budget::AttemptLimit;
use likeness::domain::face::Template;
use likeness::domain::ids::{FaceId, SubjectId, WatchlistId};
use likeness::domain::model_change::SwitchMode;
use likeness::domain::retention::Retention;
use likeness::domain::review::ReviewDecision;
use likeness::store::{
    Holder, KeyClaim, KeyedRequest, NewJobRow, NewModelChange, NewReview, RowContent, StoredAnswer,
    TenantTx,
};
use sqlx::{AssertSqlSafe, PgConnection};
use time::OffsetDateTime;

use crate::audit::an_event;
use crate::erasures::{erased, found};
use crate::fixture::{Fixture, actor, axis, insert_liveness_session, new_subject, tenant};
use crate::images::{configured, enrol, keeping, key};

const LONG: std::time::Duration = std::time::Duration::from_secs(3600);
/// These are read to find out whose turn it is, and say no more than that.
const OPEN: [&str; 2] = ["job_queue", "retention_turns"];
/// A table's own policy is what refuses; so does a right that the role never had.
const REFUSED: &str = "42501";

/// A database where `acme` has something in every table.
async fn everything() -> Fixture {
    let mut fixture = Fixture::new().await;
    fixture.store = configured(&fixture.store, key("a"), None);
    let acme = tenant("acme");
    let list = keeping(&fixture.store, "acme", "door").await;
    enrol(&fixture.store, "acme", list, "kept").await;
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let faces = [axis(0), axis(1)];
    let made = transaction
        .insert_subject(list, new_subject("s"), &faces)
        .await;
    let subject = made.unwrap();
    assert!(
        transaction
            .delete_face(list, subject.id, subject.faces[0].id)
            .await
            .unwrap()
    );
    let check = found(list, &[(subject.id, "s")]);
    transaction.insert_verification(&check, None).await.unwrap();
    let review = NewReview {
        reviewer: "clerk".to_owned(),
        decision: ReviewDecision::Declined,
        note: None,
        corrects: None,
    };
    transaction.insert_review(check.id, &review).await.unwrap();
    let retention = Retention {
        job_days: Some(1),
        ..Retention::default()
    };
    transaction.put_retention(retention).await.unwrap();
    let job = transaction
        .insert_job(list, &actor("acme"), Holder::new(), LONG)
        .await
        .unwrap();
    let row = NewJobRow {
        number: 1,
        line: None,
        file: None,
        external_id: None,
        content: Ok(RowContent {
            display_name: None,
            metadata: Default::default(),
            valid_until: None,
            consent: None,
            image: vec![1],
        }),
    };
    transaction.insert_job_rows(job, vec![row]).await.unwrap();
    let expiry = OffsetDateTime::now_utc() + LONG;
    assert!(
        transaction
            .insert_used_token(&[1; 32], expiry)
            .await
            .unwrap()
    );
    let request = KeyedRequest {
        key_hash: [1; 32],
        fingerprint: [2; 32],
    };
    let claim = transaction.claim_key(&request, LONG, LONG).await.unwrap();
    let KeyClaim::Held(key) = claim else {
        panic!("a new key")
    };
    let answer = StoredAnswer {
        status: 201,
        location: None,
        body: b"{}".to_vec(),
    };
    let told = [subject.id.as_uuid()];
    assert!(transaction.keep_answer(&key, &answer, &told).await.unwrap());
    let attempts = AttemptLimit {
        failures: NonZeroU32::MIN,
        window: LONG,
    };
    let failed = transaction.insert_failed_attempt(&[1; 32], attempts).await;
    assert!(failed.unwrap());
    insert_liveness_session(&mut transaction).await;
    change_model(&mut transaction, list, (subject.id, subject.faces[1].id)).await;
    let event = an_event();
    transaction
        .append_audit_event(&actor("acme"), &event)
        .unwrap();
    transaction.commit().await.unwrap();
    erased(&fixture.store, "nobody").await;
    fixture
}

/// Begins the change of a list's model, and keeps a template of the other one for a face.
async fn change_model(
    transaction: &mut TenantTx,
    list: WatchlistId,
    (subject, face): (SubjectId, FaceId),
) {
    let new = NewModelChange {
        to_model: "another".to_owned(),
        dimensions: 8,
        switch: SwitchMode::Manual,
    };
    let begun = transaction
        .start_model_change(list, &new, &actor("acme"))
        .await;
    begun.unwrap().unwrap();
    let spare = Template::normalised("another", vec![1.0; 8]).unwrap();
    let spare = [(subject, face, &spare)];
    let kept = transaction.insert_spare_templates(list, &spare).await;
    assert_eq!(kept.unwrap(), 1);
}

async fn tenant_tables(owner: &mut PgConnection) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c \
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant' \
         where c.relkind in ('r', 'p') and c.relname <> all($1) order by 1",
    )
    .bind(OPEN.map(str::to_owned))
    .fetch_all(owner)
    .await
    .unwrap();
    assert!(tables.len() >= 11, "{tables:?}");
    tables
}

async fn count(session: &mut PgConnection, table: &str) -> i64 {
    let statement = format!("select count(*) from {table}");
    sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(session)
        .await
        .unwrap()
}

/// Rows that a statement touched, or none where it was refused.
async fn touched(session: &mut PgConnection, statement: String) -> u64 {
    match sqlx::query(AssertSqlSafe(statement.clone()))
        .execute(session)
        .await
    {
        Ok(done) => done.rows_affected(),
        Err(error) => {
            let code = error.as_database_error().and_then(|error| error.code());
            assert_eq!(code.as_deref(), Some(REFUSED), "{statement}: {error}");
            0
        }
    }
}

/// Every row, whatever it holds, so that a change of one shows.
async fn contents(owner: &mut PgConnection, table: &str) -> Vec<String> {
    let statement = format!("select to_jsonb(t)::text from {table} t order by 1");
    sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_all(owner)
        .await
        .unwrap()
}

#[tokio::test]
async fn in_no_table_is_a_row_of_another_tenant_read_changed_removed_or_made() {
    let fixture = everything().await;
    let mut owner = fixture.owner().await;
    for table in tenant_tables(&mut owner).await {
        let before = contents(&mut owner, &table).await;
        assert!(!before.is_empty(), "the test puts nothing into {table}");
        let mut own = fixture.service(Some("acme")).await;
        assert_eq!(
            count(&mut own, &table).await,
            before.len() as i64,
            "{table}"
        );
        for who in [None, Some(""), Some("other")] {
            let mut session = fixture.service(who).await;
            assert_eq!(count(&mut session, &table).await, 0, "{table} as {who:?}");
            for statement in [
                format!("update {table} set tenant = 'other'"),
                format!("update {table} set tenant = 'other' where tenant = 'acme'"),
                format!("delete from {table}"),
                format!("delete from {table} where tenant = 'acme'"),
            ] {
                let rows = touched(&mut session, statement.clone()).await;
                assert_eq!(rows, 0, "{statement} as {who:?}");
            }
            for column in changeable(&mut owner, &table).await {
                let statement = format!("update {table} set {column} = {column}");
                assert_eq!(
                    touched(&mut session, statement.clone()).await,
                    0,
                    "{statement}"
                );
            }
            let columns = written(&mut owner, &table).await;
            let copy = format!(
                "insert into {table} ({columns}) select {columns} from jsonb_populate_record(null::{table}, $1::jsonb)"
            );
            let refused = sqlx::query(AssertSqlSafe(copy))
                .bind(&before[0])
                .execute(&mut session)
                .await
                .unwrap_err();
            let code = refused.as_database_error().and_then(|error| error.code());
            assert_eq!(
                code.as_deref(),
                Some(REFUSED),
                "{table} as {who:?}: {refused}"
            );
        }
        assert_eq!(contents(&mut owner, &table).await, before, "{table}");
    }
}

/// The columns that are not computed from others.
async fn written(owner: &mut PgConnection, table: &str) -> String {
    sqlx::query_scalar(
        "select string_agg(quote_ident(attname), ', ') from pg_attribute \
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''",
    )
    .bind(table)
    .fetch_one(owner)
    .await
    .unwrap()
}

/// The columns that the service's role may change.
async fn changeable(owner: &mut PgConnection, table: &str) -> Vec<String> {
    sqlx::query_scalar(
        "select attname::text from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped \
         and has_column_privilege('likeness_service', attrelid, attnum, 'update')",
    )
    .bind(table)
    .fetch_all(owner)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_row_of_ones_own_cannot_be_given_to_another_tenant() {
    let fixture = everything().await;
    let mut owner = fixture.owner().await;
    for table in tenant_tables(&mut owner).await {
        let before = contents(&mut owner, &table).await;
        let mut session = fixture.service(Some("acme")).await;
        let statement = format!("update {table} set tenant = 'other'");
        assert_eq!(touched(&mut session, statement).await, 0, "{table}");
        assert_eq!(contents(&mut owner, &table).await, before, "{table}");
    }
}

#[tokio::test]
async fn every_tenant_table_names_the_tenant_by_itself_and_keys_begin_with_it() {
    let fixture = Fixture::new().await;
    let mut owner = fixture.owner().await;
    for table in tenant_tables(&mut owner).await {
        let default: Option<String> = sqlx::query_scalar(
            "select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d \
             join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum \
             where d.adrelid = $1::regclass and a.attname = 'tenant'",
        )
        .bind(&table)
        .fetch_optional(&mut owner)
        .await
        .unwrap();
        assert!(
            default.is_some_and(|default| default.contains("likeness.tenant")),
            "{table}"
        );
        let first: Vec<String> = sqlx::query_scalar(
            "select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] \
             where i.indrelid = $1::regclass and i.indisunique",
        )
        .bind(&table)
        .fetch_all(&mut owner)
        .await
        .unwrap();
        assert!(!first.is_empty(), "{table} has no key");
        assert!(
            first.iter().all(|column| column == "tenant"),
            "{table}: {first:?}"
        );
    }
}

#[tokio::test]
async fn what_is_read_without_a_tenant_holds_names_and_times_and_nothing_else() {
    let fixture = Fixture::new().await;
    let queue = [
        "tenant",
        "job_id",
        "holder",
        "leased_until",
        "turn",
        "strikes",
    ];
    for (table, expected) in OPEN.into_iter().zip([&queue[..], &["tenant", "swept_at"]]) {
        let columns: Vec<String> = sqlx::query_scalar(
            "select attname::text from pg_attribute \
             where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum",
        )
        .bind(table)
        .fetch_all(&mut fixture.owner().await)
        .await
        .unwrap();
        assert_eq!(columns, expected, "{table}");
    }
}
