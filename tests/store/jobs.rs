//! Jobs: who works on them, and that a row gets one face, whoever works on it.

use std::time::Duration;

use likeness::domain::ids::{JobId, WatchlistId};
use likeness::domain::job::{JobState, RowCode, RowFault, RowState};
use likeness::store::{Duty, FinishedRow, Holder, NewJobRow, RowContent, RowOutcome, StoreError};
use sqlx::AssertSqlSafe;

use crate::fixture::{Fixture, actor, axis, consent, first_page, new_subject, tenant};

const LONG: Duration = Duration::from_secs(600);
const OVER: Duration = Duration::ZERO;

pub fn row(number: u64, content: Result<&[u8], RowCode>) -> NewJobRow {
    NewJobRow {
        number,
        line: Some(number),
        file: Some(format!("{number}.jpg")),
        external_id: Some(format!("e{number}")),
        content: content
            .map(|image| RowContent {
                display_name: Some("D".to_owned()),
                metadata: serde_json::Map::from_iter([("k".to_owned(), 1.into())]),
                valid_until: None,
                consent: Some(consent("c-1")),
                image: image.to_vec(),
            })
            .map_err(|code| RowFault::new(code, "because")),
    }
}

/// A job of `acme` with that many rows, which nobody has begun.
pub async fn queued(fixture: &Fixture, list: WatchlistId, rows: u64) -> JobId {
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let job = transaction
        .insert_job(list, &actor("acme"), Holder::new(), LONG)
        .await
        .unwrap();
    let rows: Vec<_> = (1..=rows)
        .map(|number| row(number, Ok(b"picture")))
        .collect();
    let total = rows.len() as u64;
    transaction.insert_job_rows(job, rows).await.unwrap();
    let opened = transaction.open_job(job, total, 0).await.unwrap().unwrap();
    assert_eq!((opened.state, opened.total), (JobState::Queued, total));
    transaction.commit().await.unwrap();
    job
}

pub async fn acme_with_list() -> (Fixture, WatchlistId) {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    (fixture, list)
}

#[tokio::test]
async fn a_lease_belongs_to_one_holder_until_it_runs_out() {
    let (fixture, list) = acme_with_list().await;
    let job = queued(&fixture, list, 1).await;
    let (first, second) = (Holder::new(), Holder::new());
    let claim = fixture.store.claim_job(first, LONG).await.unwrap().unwrap();
    assert_eq!(
        (claim.tenant.as_str(), claim.job, claim.strikes),
        ("acme", job, 0)
    );
    assert_eq!(fixture.store.claim_job(second, LONG).await.unwrap(), None);
    assert!(fixture.store.renew_lease(&claim, OVER).await.unwrap());

    let taken = fixture
        .store
        .claim_job(second, LONG)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((taken.job, taken.strikes), (job, 1), "the first one died");
    assert!(!fixture.store.renew_lease(&claim, LONG).await.unwrap());
    // What the first one lets go of is not its own any more.
    fixture.store.release_job(&claim, OVER).await.unwrap();
    assert_eq!(fixture.store.claim_job(first, LONG).await.unwrap(), None);

    fixture.store.release_job(&taken, OVER).await.unwrap();
    let again = fixture.store.claim_job(first, LONG).await.unwrap().unwrap();
    assert_eq!(again.strikes, 1, "what was let go of is no strike");
    let mut transaction = fixture.store.begin(&claim.tenant).await.unwrap();
    transaction.clear_strikes(job).await.unwrap();
    transaction.commit().await.unwrap();
    fixture.store.release_job(&again, OVER).await.unwrap();
    let cleared = fixture.store.claim_job(first, LONG).await.unwrap().unwrap();
    assert_eq!(cleared.strikes, 0);
}

#[tokio::test]
async fn many_who_claim_at_once_get_a_job_each() {
    let (fixture, list) = acme_with_list().await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(queued(&fixture, list, 1).await);
    }
    let claims = (0..12).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.claim_job(Holder::new(), LONG).await.unwrap() })
    });
    let claims = futures_util::future::join_all(claims).await;
    let mut claimed: Vec<_> = claims
        .into_iter()
        .filter_map(|claim| claim.unwrap())
        .map(|claim| claim.job)
        .collect();
    claimed.sort();
    assert_eq!(claimed, jobs);
}

#[tokio::test]
async fn jobs_take_turns() {
    let (fixture, list) = acme_with_list().await;
    let jobs = [
        queued(&fixture, list, 1).await,
        queued(&fixture, list, 1).await,
    ];
    let mut order = Vec::new();
    for _ in 0..4 {
        let claim = fixture.store.claim_job(Holder::new(), LONG).await;
        let claim = claim.unwrap().unwrap();
        fixture.store.release_job(&claim, OVER).await.unwrap();
        order.push(claim.job);
    }
    assert_eq!(order, [jobs, jobs].concat());
}

#[tokio::test]
async fn a_row_that_two_work_on_gets_one_face() {
    let (fixture, list) = acme_with_list().await;
    let job = queued(&fixture, list, 1).await;
    let acme = tenant("acme");
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let duty = transaction.begin_job(job).await.unwrap();
    assert_eq!(duty, Some(Duty::Work(list, actor("acme"))));
    transaction.commit().await.unwrap();
    let enrol = |number: usize| {
        let (store, acme) = (fixture.store.clone(), acme.clone());
        tokio::spawn(async move {
            let mut transaction = store.begin(&acme).await.unwrap();
            let pending = transaction.pending_rows(job, 0, 9).await.unwrap();
            let subject = new_subject(&format!("s{number}"));
            let subject = transaction
                .insert_subject(list, subject, &[axis(number)])
                .await
                .unwrap();
            let finished = FinishedRow {
                number: 1,
                outcome: RowOutcome::Enrolled(subject.id, subject.faces[0].id),
                duplicate_of: Vec::new(),
            };
            let finished = transaction
                .finish_rows(job, std::slice::from_ref(&finished))
                .await
                .unwrap();
            if finished {
                assert_eq!(pending.len(), 1);
                assert!(transaction.count_rows(job, 1, 0).await.unwrap());
                transaction.commit().await.unwrap();
            }
            finished
        })
    };
    let outcomes = futures_util::future::join_all((0..4).map(enrol)).await;
    let finished = outcomes.into_iter().filter(|done| *done.as_ref().unwrap());
    assert_eq!(finished.count(), 1);
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let list = transaction.find_watchlist(list).await.unwrap().unwrap();
    assert_eq!(list.faces, 1);
    assert!(transaction.complete_job(job).await.unwrap());
    let job = transaction.find_job(job).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.done, job.failed),
        (JobState::Succeeded, 1, 0)
    );
}

#[tokio::test]
async fn a_finished_row_keeps_neither_picture_nor_details_and_no_writer_can_leave_them() {
    let (fixture, list) = acme_with_list().await;
    let job = queued(&fixture, list, 2).await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    transaction.begin_job(job).await.unwrap();
    let refused = FinishedRow {
        number: 1,
        outcome: RowOutcome::Refused(RowFault::new(RowCode::NoFace, "none")),
        duplicate_of: Vec::new(),
    };
    assert!(
        transaction
            .finish_rows(job, std::slice::from_ref(&refused))
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .finish_rows(job, std::slice::from_ref(&refused))
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    let mut session = fixture.service(Some("acme")).await;
    let left: i64 = sqlx::query_scalar(
        "select count(*) from job_rows where image is not null or display_name is not null \
         or metadata is not null or consent is not null",
    )
    .fetch_one(&mut session)
    .await
    .unwrap();
    assert_eq!(left, 1, "the row that waits");
    for (change, constraint) in [
        (
            "state = 'cancelled', display_name = null, metadata = null, consent = null",
            "job_rows_picture_while_pending",
        ),
        (
            "state = 'cancelled', image = null, consent = null",
            "job_rows_details_while_pending",
        ),
        (
            "state = 'cancelled', image = null, display_name = null, metadata = null",
            "job_rows_consent_while_pending",
        ),
        (
            "state = 'succeeded', image = null, display_name = null, metadata = null, consent = null",
            "job_rows_face_when_succeeded",
        ),
        (
            "state = 'failed', image = null, display_name = null, metadata = null, consent = null",
            "job_rows_error_when_failed",
        ),
    ] {
        let statement = format!("update job_rows set {change} where number = 2");
        let error = sqlx::query(AssertSqlSafe(statement))
            .execute(&mut session)
            .await
            .unwrap_err();
        let error = error.as_database_error().unwrap();
        assert_eq!(error.constraint(), Some(constraint), "{change}");
    }
}

#[tokio::test]
async fn a_job_that_is_being_received_is_seen_by_nobody_and_cleaned_up_if_its_receiver_dies() {
    let (fixture, list) = acme_with_list().await;
    let acme = tenant("acme");
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let job = transaction
        .insert_job(list, &actor("acme"), Holder::new(), OVER)
        .await
        .unwrap();
    let rows = vec![row(1, Ok(b"x")), row(2, Err(RowCode::UnsafePath))];
    transaction.insert_job_rows(job, rows).await.unwrap();
    assert_eq!(transaction.find_job(job).await.unwrap(), None);
    let jobs = transaction.list_jobs(None, first_page(9)).await.unwrap();
    assert_eq!(jobs.items, []);
    transaction.commit().await.unwrap();

    let claim = fixture.store.claim_job(Holder::new(), LONG).await;
    let claim = claim.unwrap().unwrap();
    let mut transaction = fixture.store.begin(&claim.tenant).await.unwrap();
    let duty = transaction.begin_job(claim.job).await.unwrap();
    assert_eq!(duty, Some(Duty::Discard));
    assert!(transaction.delete_rows(job, 9).await.unwrap());
    assert!(!transaction.delete_rows(job, 9).await.unwrap());
    transaction.delete_job(job).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        fixture.store.claim_job(Holder::new(), LONG).await.unwrap(),
        None
    );
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let late = transaction
        .insert_job_rows(job, vec![row(3, Ok(b"x"))])
        .await;
    assert!(matches!(late, Err(StoreError::MissingReference { .. })));
}

#[tokio::test]
async fn of_a_job_that_was_ended_no_row_is_counted_and_the_rest_is_cleared() {
    let (fixture, list) = acme_with_list().await;
    let job = queued(&fixture, list, 3).await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    transaction.begin_job(job).await.unwrap();
    assert!(transaction.count_rows(job, 1, 1).await.unwrap());
    transaction.cancel_job(job).await.unwrap();
    assert!(!transaction.count_rows(job, 1, 0).await.unwrap());
    assert!(!transaction.complete_job(job).await.unwrap());
    assert_eq!(transaction.begin_job(job).await.unwrap(), Some(Duty::Clear));
    assert!(transaction.clear_rows(job, 2).await.unwrap());
    assert!(transaction.clear_rows(job, 2).await.unwrap());
    assert!(!transaction.clear_rows(job, 2).await.unwrap());
    let cancelled = Some(RowState::Cancelled);
    let rows = transaction
        .list_job_rows(job, cancelled, first_page(9))
        .await;
    assert_eq!(rows.unwrap().items.len(), 3);
    transaction.fail_job(job).await.unwrap();
    let job = transaction.find_job(job).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Cancelled, "it was over before");
}

#[tokio::test]
async fn rows_are_read_in_their_order_and_not_more_than_fits() {
    let (fixture, list) = acme_with_list().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let job = transaction
        .insert_job(list, &actor("acme"), Holder::new(), LONG)
        .await
        .unwrap();
    let large = vec![7; 9 * 1024 * 1024];
    let huge = vec![8; 17 * 1024 * 1024];
    let rows = vec![
        row(1, Ok(&large)),
        row(2, Err(RowCode::MissingFile)),
        row(3, Ok(&large)),
        row(4, Ok(&huge)),
        row(5, Ok(b"small")),
    ];
    transaction.insert_job_rows(job, rows).await.unwrap();
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let rows = transaction.pending_rows(job, after, 16).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = last.number;
        seen.push(rows.iter().map(|row| row.number).collect::<Vec<_>>());
    }
    assert_eq!(seen, [[1], [3], [4], [5]]);
    let first = &transaction.pending_rows(job, 4, 1).await.unwrap()[0];
    assert_eq!(first.image, b"small");
    assert_eq!(first.subject.external_id.as_deref(), Some("e5"));
    assert_eq!(first.subject.metadata["k"], 1);
    transaction.count_attempt(job, 5).await.unwrap();
    let again = &transaction.pending_rows(job, 4, 1).await.unwrap()[0];
    assert_eq!(again.attempts, 1);
}

#[tokio::test]
async fn another_tenant_sees_nothing_of_a_job_and_the_queue_holds_only_names() {
    let (fixture, list) = acme_with_list().await;
    let job = queued(&fixture, list, 1).await;
    let mut foreign = fixture.store.begin(&tenant("other")).await.unwrap();
    assert_eq!(foreign.find_job(job).await.unwrap(), None);
    assert_eq!(foreign.begin_job(job).await.unwrap(), None);
    assert_eq!(foreign.pending_rows(job, 0, 9).await.unwrap(), []);
    let rows = foreign.list_job_rows(job, None, first_page(9)).await;
    assert_eq!(rows.unwrap().items, []);
    foreign.cancel_job(job).await.unwrap();
    foreign.delete_lease(job).await.unwrap();
    foreign.commit().await.unwrap();
    let claim = fixture.store.claim_job(Holder::new(), LONG).await.unwrap();
    assert_eq!(claim.unwrap().job, job, "it is untouched");
    let columns: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute where attrelid = 'job_queue'::regclass and attnum > 0 order by 1",
    )
    .fetch_all(&mut fixture.owner().await)
    .await
    .unwrap();
    assert_eq!(
        columns,
        [
            "holder",
            "job_id",
            "leased_until",
            "strikes",
            "tenant",
            "turn"
        ]
    );
}

#[tokio::test]
async fn a_list_that_is_deleted_takes_its_jobs_out_of_the_queue() {
    let (fixture, list) = acme_with_list().await;
    let job = queued(&fixture, list, 1).await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    assert!(transaction.delete_watchlist(list).await.unwrap().is_some());
    assert_eq!(transaction.find_job(job).await.unwrap(), None);
    transaction.commit().await.unwrap();
    assert_eq!(
        fixture.store.claim_job(Holder::new(), LONG).await.unwrap(),
        None
    );
}
