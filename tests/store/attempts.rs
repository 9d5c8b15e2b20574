//! Checks of one person that were not approved, as replicas count them.

use std::num::NonZeroU32;
use std::time::Duration;

use likeness::domain::budget::AttemptLimit;
use sqlx::AssertSqlSafe;

use crate::fixture::{Fixture, tenant};

const ADA: [u8; 32] = [1; 32];
const BOB: [u8; 32] = [2; 32];

fn limit(failures: u32, window: Duration) -> AttemptLimit {
    AttemptLimit {
        failures: NonZeroU32::new(failures).unwrap(),
        window,
    }
}

fn two() -> AttemptLimit {
    limit(2, Duration::from_secs(900))
}

async fn fails(fixture: &Fixture, name: &str, person: &[u8; 32], limit: AttemptLimit) -> bool {
    let mut transaction = fixture.store.begin(&tenant(name)).await.unwrap();
    let noted = transaction
        .insert_failed_attempt(person, limit)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    noted
}

async fn lockout(
    fixture: &Fixture,
    name: &str,
    person: &[u8; 32],
    limit: AttemptLimit,
) -> Option<Duration> {
    let mut transaction = fixture.store.begin(&tenant(name)).await.unwrap();
    transaction.find_lockout(person, limit).await.unwrap()
}

#[tokio::test]
async fn as_many_as_allowed_are_noted_and_then_there_is_a_time_to_wait() {
    let fixture = Fixture::new().await;
    assert_eq!(lockout(&fixture, "acme", &ADA, two()).await, None);
    assert!(fails(&fixture, "acme", &ADA, two()).await);
    assert_eq!(lockout(&fixture, "acme", &ADA, two()).await, None);
    assert!(fails(&fixture, "acme", &ADA, two()).await);
    let wait = lockout(&fixture, "acme", &ADA, two()).await.unwrap();
    assert!((890..=900).contains(&wait.as_secs()), "{wait:?}");
    assert!(!fails(&fixture, "acme", &ADA, two()).await);
    // Others are others, and who allows more goes on counting.
    assert_eq!(lockout(&fixture, "acme", &BOB, two()).await, None);
    assert!(fails(&fixture, "other", &ADA, two()).await);
    assert!(fails(&fixture, "acme", &ADA, limit(3, Duration::from_secs(900))).await);
}

#[tokio::test]
async fn a_failure_leaves_the_window_by_itself_and_no_more_are_kept_than_count() {
    let fixture = Fixture::new().await;
    let brief = limit(2, Duration::from_millis(400));
    for _ in 0..3 {
        assert!(fails(&fixture, "acme", &ADA, brief).await);
        assert!(fails(&fixture, "acme", &ADA, brief).await);
        let wait = lockout(&fixture, "acme", &ADA, brief).await.unwrap();
        tokio::time::sleep(wait + Duration::from_millis(5)).await;
        assert_eq!(lockout(&fixture, "acme", &ADA, brief).await, None);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    let kept: i32 = sqlx::query_scalar("select cardinality(failed_at) from failed_attempts")
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(kept, 2);
}

#[tokio::test]
async fn of_failures_at_the_same_time_no_more_are_noted_than_allowed() {
    let fixture = Fixture::new().await;
    let attempts = (0..20).map(|_| fails(&fixture, "acme", &ADA, two()));
    let noted = futures_util::future::join_all(attempts).await;
    assert_eq!(noted.into_iter().filter(|noted| *noted).count(), 2);
}

#[tokio::test]
async fn only_what_no_longer_counts_is_removed_and_by_the_service_nothing_else() {
    let fixture = Fixture::new().await;
    let over = limit(2, Duration::from_millis(1));
    for name in ["acme", "other"] {
        fails(&fixture, name, &ADA, over).await;
        fails(&fixture, name, &BOB, two()).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    for name in [None, Some("acme"), Some("other")] {
        let mut session = fixture.service(name).await;
        for statement in [
            "delete from failed_attempts where expires_at > now()",
            "delete from failed_attempts where reference = decode(repeat('02', 32), 'hex')",
        ] {
            let done = sqlx::query(AssertSqlSafe(statement.to_owned()))
                .execute(&mut session)
                .await;
            let removed = done.unwrap().rows_affected();
            assert_eq!(removed, 0, "{statement} as {name:?}");
        }
    }
    assert_eq!(fixture.store.delete_expired_attempts().await.unwrap(), 2);
    assert_eq!(fixture.store.delete_expired_attempts().await.unwrap(), 0);
    let mut stranger = fixture.service(Some("third")).await;
    let seen: i64 = sqlx::query_scalar("select count(*) from failed_attempts")
        .fetch_one(&mut stranger)
        .await
        .unwrap();
    assert_eq!(seen, 0);
}
