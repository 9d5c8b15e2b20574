//! Traces of used tokens: kept as long as their token could come back, by whoever asks for something else.

use sqlx::{AssertSqlSafe, PgConnection};
use time::{Duration, OffsetDateTime};

use crate::fixture::{Fixture, tenant};

async fn remember(fixture: &Fixture, name: &str, token: u8, expires_in: Duration) -> bool {
    let mut transaction = fixture.store.begin(&tenant(name)).await.unwrap();
    let expires_at = OffsetDateTime::now_utc() + expires_in;
    let new = transaction
        .insert_used_token(&[token; 32], expires_at)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    new
}

async fn deleted(session: &mut PgConnection, statement: &str) -> u64 {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(session)
        .await;
    done.unwrap().rows_affected()
}

#[tokio::test]
async fn a_token_is_new_once_in_each_tenant() {
    let fixture = Fixture::new().await;
    let hour = Duration::HOUR;
    assert!(remember(&fixture, "acme", 1, hour).await);
    assert!(!remember(&fixture, "acme", 1, hour).await);
    assert!(remember(&fixture, "acme", 2, hour).await);
    assert!(remember(&fixture, "other", 1, hour).await);
}

#[tokio::test]
async fn what_is_not_committed_does_not_count() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let expires_at = OffsetDateTime::now_utc() + Duration::HOUR;
    assert!(
        transaction
            .insert_used_token(&[1; 32], expires_at)
            .await
            .unwrap()
    );
    drop(transaction);
    assert!(remember(&fixture, "acme", 1, Duration::HOUR).await);
}

#[tokio::test]
async fn only_traces_of_tokens_long_expired_are_removed_and_those_of_every_tenant() {
    let fixture = Fixture::new().await;
    for (name, token) in [("acme", 1), ("other", 2)] {
        remember(&fixture, name, token, -2 * Duration::HOUR).await;
        remember(&fixture, name, token + 10, -50 * Duration::MINUTE).await;
        remember(&fixture, name, token + 20, Duration::HOUR).await;
    }
    assert_eq!(fixture.store.delete_expired_tokens().await.unwrap(), 2);
    assert_eq!(fixture.store.delete_expired_tokens().await.unwrap(), 0);
    assert!(remember(&fixture, "acme", 1, Duration::HOUR).await);
    for token in [11, 21] {
        assert!(!remember(&fixture, "acme", token, Duration::HOUR).await);
    }
}

#[tokio::test]
async fn the_services_role_cannot_make_a_token_good_again() {
    let fixture = Fixture::new().await;
    remember(&fixture, "acme", 1, Duration::HOUR).await;
    for name in [None, Some("acme"), Some("other")] {
        let mut session = fixture.service(name).await;
        for statement in [
            "delete from used_tokens",
            "delete from used_tokens where true",
            "delete from used_tokens where tenant = 'acme'",
        ] {
            assert_eq!(
                deleted(&mut session, statement).await,
                0,
                "{statement} as {name:?}"
            );
        }
        for statement in [
            "update used_tokens set expires_at = now() - interval '1 day'",
            "truncate used_tokens",
        ] {
            let refused = sqlx::query(AssertSqlSafe(statement.to_owned()))
                .execute(&mut session)
                .await;
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("permission denied"), "{message}");
        }
    }
    assert!(!remember(&fixture, "acme", 1, Duration::HOUR).await);
}
