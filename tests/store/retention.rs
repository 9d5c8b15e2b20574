//! Records go when their time is over, by a clock that the test holds, and not before.

use std::num::NonZeroU16;

use likeness::domain::decision::Decision;
use likeness::domain::ids::{TenantId, VerificationId};
use likeness::domain::retention::Retention;
use likeness::lifecycle::{SWEEP_INTERVAL, Sweeper, Swept};
use likeness::store::{NewSubject, Store, SubjectFilter};
use sqlx::AssertSqlSafe;
use time::{Duration, OffsetDateTime};

use crate::fixture::{Fixture, axis, first_page, new_subject, search, tenant, verification};
use crate::jobs::queued;

async fn choose(store: &Store, tenant: &TenantId, retention: Retention) {
    let mut transaction = store.begin(tenant).await.unwrap();
    transaction.put_retention(retention).await.unwrap();
    transaction.commit().await.unwrap();
}

fn verifications_for(days: u16) -> Retention {
    Retention {
        verification_days: Some(days),
        ..Retention::default()
    }
}

/// Keeps a verification that was made at an instant, and tells until when.
async fn keep(
    store: &Store,
    tenant: &TenantId,
    made: OffsetDateTime,
    days: Option<u16>,
) -> (VerificationId, Option<OffsetDateTime>) {
    let mut new = verification(Decision::Approved, None);
    new.created_at = made;
    let mut transaction = store.begin(tenant).await.unwrap();
    let until = transaction.insert_verification(&new, days).await.unwrap();
    transaction.commit().await.unwrap();
    (new.id, until)
}

/// Until when a verification is kept; none where it is gone.
async fn kept(
    store: &Store,
    tenant: &TenantId,
    id: VerificationId,
) -> Option<Option<OffsetDateTime>> {
    let mut transaction = store.begin(tenant).await.unwrap();
    let found = transaction.find_verification(id).await.unwrap();
    found.map(|kept| kept.delete_after)
}

async fn sweep(store: &Store, now: OffsetDateTime) -> Swept {
    Sweeper::new(store.clone()).sweep(now).await.unwrap()
}

/// Now, as the database can hold it.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_microsecond(now.microsecond()).unwrap()
}

#[tokio::test]
async fn the_shortest_of_request_tenant_and_default_holds() {
    let fixture = Fixture::new().await;
    let (acme, made) = (tenant("acme"), now());
    for (default, chosen, asked, holds) in [
        (None, None, None, None),
        (None, None, Some(9), Some(9)),
        (None, Some(30), None, Some(30)),
        (None, Some(30), Some(9), Some(9)),
        (None, Some(30), Some(31), Some(30)),
        (Some(20), None, None, Some(20)),
        (Some(20), None, Some(21), Some(20)),
        // A tenant's own choice takes the place of the default, also a longer one.
        (Some(20), Some(30), None, Some(30)),
    ] {
        let default = default.and_then(NonZeroU16::new);
        let store = fixture.store.clone().with_retention(default);
        let retention = Retention {
            verification_days: chosen,
            ..Retention::default()
        };
        choose(&store, &acme, retention).await;
        let (id, until) = keep(&store, &acme, made, asked).await;
        let expected = holds.map(|days| made + Duration::days(days));
        assert_eq!(until, expected, "{default:?} {chosen:?} {asked:?}");
        assert_eq!(kept(&store, &acme, id).await, Some(expected));
    }
}

#[tokio::test]
async fn on_the_due_instant_a_record_goes_in_every_tenant_and_not_before() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let made = now();
    let (acme, other) = (tenant("acme"), tenant("other"));
    choose(store, &acme, verifications_for(30)).await;
    let (month, _) = keep(store, &acme, made, None).await;
    let (week, _) = keep(store, &acme, made, Some(7)).await;
    let (foreign_week, _) = keep(store, &other, made, Some(7)).await;
    let (for_good, _) = keep(store, &other, made, None).await;

    let second = Duration::SECOND;
    let swept = sweep(store, made + Duration::days(7) - second).await;
    assert!(swept.is_nothing(), "{swept:?}");
    let swept = sweep(store, made + Duration::days(7) + SWEEP_INTERVAL).await;
    assert_eq!(swept.verifications, 2);
    assert_eq!(kept(store, &acme, week).await, None);
    assert_eq!(kept(store, &other, foreign_week).await, None);
    let swept = sweep(store, made + Duration::days(30) - second).await;
    assert!(swept.is_nothing(), "{swept:?}");
    assert!(kept(store, &acme, month).await.is_some());
    let swept = sweep(store, made + Duration::days(30) + SWEEP_INTERVAL).await;
    assert_eq!(swept.verifications, 1);
    assert_eq!(kept(store, &acme, month).await, None);
    assert!(
        sweep(store, made + Duration::days(30_000))
            .await
            .is_nothing()
    );
    assert_eq!(kept(store, &other, for_good).await, Some(None));
}

#[tokio::test]
async fn a_shorter_choice_holds_for_what_is_there_and_a_longer_one_for_what_comes() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let (acme, made) = (tenant("acme"), now());
    let (before, _) = keep(store, &acme, made, None).await;
    choose(store, &acme, verifications_for(30)).await;
    let day = |days| Some(Some(made + Duration::days(days)));
    assert_eq!(kept(store, &acme, before).await, day(30));
    let (promised, _) = keep(store, &acme, made, None).await;
    choose(store, &acme, verifications_for(90)).await;
    assert_eq!(
        kept(store, &acme, before).await,
        day(90),
        "nothing was promised"
    );
    assert_eq!(kept(store, &acme, promised).await, day(30));
    choose(store, &acme, verifications_for(10)).await;
    assert_eq!(kept(store, &acme, promised).await, day(10));
    let mut transaction = store.begin(&acme).await.unwrap();
    assert_eq!(
        transaction.find_retention().await.unwrap(),
        verifications_for(10)
    );
    drop(transaction);
    assert_eq!(
        sweep(store, made + Duration::days(10)).await.verifications,
        2
    );
}

#[tokio::test]
async fn the_default_ends_what_was_kept_before_there_was_one() {
    let fixture = Fixture::new().await;
    let (acme, made) = (tenant("acme"), now());
    keep(&fixture.store, &acme, made, None).await;
    let store = fixture.store.clone().with_retention(NonZeroU16::new(5));
    assert_eq!(
        sweep(&store, made + Duration::days(5)).await.verifications,
        1
    );
}

#[tokio::test]
async fn more_than_a_batch_is_deleted_and_by_two_who_sweep_at_once_each_record_once() {
    let fixture = Fixture::new().await;
    let statement = "insert into verifications (tenant, id, decision, record, created_at, delete_after) \
         select 't' || n % 4, gen_random_uuid(), 'approved', '{}', now(), now() + interval '1 day' \
         from generate_series(1, 5000) as n";
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut fixture.owner().await)
        .await
        .unwrap();
    let second = Store::connect(&fixture.url, 5).await.unwrap();
    let then = now() + Duration::days(2);
    let (a, b) = tokio::join!(sweep(&fixture.store, then), sweep(&second, then));
    assert_eq!(a.verifications + b.verifications, 5_000, "{a:?} {b:?}");
    let left: i64 = sqlx::query_scalar("select count(*) from verifications")
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_tenant_is_swept_once_in_an_interval_whoever_asks() {
    let fixture = Fixture::new().await;
    let (acme, made) = (tenant("acme"), now());
    keep(&fixture.store, &acme, made, None).await;
    let claim = async |at| fixture.store.claim_sweep(at, SWEEP_INTERVAL).await.unwrap();
    assert_eq!(claim(made).await, Some(acme.clone()));
    assert_eq!(claim(made + SWEEP_INTERVAL - Duration::SECOND).await, None);
    assert_eq!(claim(made + SWEEP_INTERVAL).await, Some(acme));
}

#[tokio::test]
async fn a_job_goes_with_its_rows_once_it_is_over_for_long_enough() {
    let fixture = Fixture::new().await;
    let (store, acme) = (&fixture.store, tenant("acme"));
    let list = fixture.watchlist(&acme, "door").await.id;
    let retention = Retention {
        job_days: Some(3),
        ..Retention::default()
    };
    choose(store, &acme, retention).await;
    let (over, waiting) = (
        queued(&fixture, list, 1_001).await,
        queued(&fixture, list, 1).await,
    );
    let mut transaction = store.begin(&acme).await.unwrap();
    transaction.cancel_job(over).await.unwrap();
    let job = transaction.find_job(over).await.unwrap().unwrap();
    assert_eq!(
        job.delete_after,
        job.finished_at.map(|at| at + Duration::days(3))
    );
    let ends = job.delete_after.unwrap();
    let going_on = transaction.find_job(waiting).await.unwrap().unwrap();
    assert_eq!(going_on.delete_after, None);
    transaction.commit().await.unwrap();

    assert!(sweep(store, ends - Duration::SECOND).await.is_nothing());
    assert_eq!(sweep(store, ends + SWEEP_INTERVAL).await.jobs, 1);
    let mut transaction = store.begin(&acme).await.unwrap();
    assert_eq!(transaction.find_job(over).await.unwrap(), None);
    assert!(transaction.find_job(waiting).await.unwrap().is_some());
    let rows: i64 = sqlx::query_scalar("select count(*) from job_rows")
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(rows, 1, "that of the job that waits");
}

#[tokio::test]
async fn people_whose_time_is_over_are_taken_off_only_where_a_tenant_wants_that() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let (acme, over) = (tenant("acme"), now() - Duration::days(10));
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut transaction = store.begin(&acme).await.unwrap();
    for number in 0..250 {
        let new = NewSubject {
            valid_until: Some(over),
            ..new_subject(&format!("over-{number}"))
        };
        transaction
            .insert_subject(list, new, &[axis(number)])
            .await
            .unwrap();
    }
    let new = NewSubject {
        valid_until: Some(over + Duration::days(11)),
        ..new_subject("soon-over")
    };
    transaction
        .insert_subject(list, new, &[axis(300)])
        .await
        .unwrap();
    transaction
        .insert_subject(list, new_subject("stays"), &[axis(301)])
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let people = async || {
        let mut transaction = store.begin(&acme).await.unwrap();
        let filter = SubjectFilter::default();
        let page = transaction
            .list_subjects(list, &filter, first_page(300))
            .await;
        page.unwrap().items.len()
    };

    let now = now();
    let with_default = store.clone().with_retention(NonZeroU16::new(1));
    let early = over + Duration::days(8);
    assert!(sweep(&with_default, early).await.is_nothing());
    let retention = Retention {
        purge_expired_subjects_after_days: Some(9),
        ..Retention::default()
    };
    choose(store, &acme, retention).await;
    let swept = sweep(store, over + Duration::days(9) - Duration::SECOND).await;
    assert!(swept.is_nothing(), "{swept:?}");
    assert_eq!(people().await, 252);
    assert_eq!(sweep(store, now + SWEEP_INTERVAL).await.subjects, 250);
    assert_eq!(people().await, 2);
    // Their faces are gone from the gallery, and nobody else's.
    let mut transaction = store.begin(&acme).await.unwrap();
    let list = transaction.find_watchlist(list).await.unwrap().unwrap();
    assert_eq!((list.subjects, list.faces), (2, 2));
    let found = search(&mut transaction, list.id, &axis(301), 0.9, 9).await;
    assert_eq!((found.size, found.nearest.len()), (2, 1));
}
