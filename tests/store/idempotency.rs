//! Claims of idempotency keys: one holder at a time, an answer by that holder alone, and nobody's but the tenant's own.

use std::time::Duration;

use likeness::domain::ids::TenantId;
use likeness::store::{HeldKey, KeyClaim, KeyedRequest, StoredAnswer};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::fixture::{Fixture, tenant};

const LEASE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const OVER: Duration = Duration::ZERO;

fn request(key: u8) -> KeyedRequest {
    KeyedRequest {
        key_hash: [key; 32],
        fingerprint: [7; 32],
    }
}

pub fn answer() -> StoredAnswer {
    StoredAnswer {
        status: 201,
        location: Some("/v1/somewhere".to_owned()),
        body: b"{}".to_vec(),
    }
}

async fn claim(
    fixture: &Fixture,
    who: &TenantId,
    key: u8,
    lease: Duration,
    life: Duration,
) -> KeyClaim {
    let mut transaction = fixture.store.begin(who).await.unwrap();
    let claim = transaction
        .claim_key(&request(key), lease, life)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    claim
}

async fn held(fixture: &Fixture, who: &TenantId, key: u8, lease: Duration) -> HeldKey {
    let claim = claim(fixture, who, key, lease, DAY).await;
    let KeyClaim::Held(held) = claim else {
        panic!("{claim:?}");
    };
    held
}

async fn keep(fixture: &Fixture, who: &TenantId, held: &HeldKey, tells_of: &[Uuid]) -> bool {
    let mut transaction = fixture.store.begin(who).await.unwrap();
    let kept = transaction
        .keep_answer(held, &answer(), tells_of)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    kept
}

#[tokio::test]
async fn a_key_has_one_holder_and_the_answer_of_nobody_else() {
    let (fixture, acme) = (Fixture::new().await, tenant("acme"));
    let first = held(&fixture, &acme, 1, OVER).await;
    let second = held(&fixture, &acme, 1, LEASE).await;
    assert_eq!(
        claim(&fixture, &acme, 1, LEASE, DAY).await,
        KeyClaim::Running
    );
    assert!(
        !keep(&fixture, &acme, &first, &[]).await,
        "its time is over"
    );
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    assert!(!transaction.renew_key(&first, LEASE).await.unwrap());
    assert!(transaction.renew_key(&second, LEASE).await.unwrap());
    transaction.release_key(&first).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        claim(&fixture, &acme, 1, LEASE, DAY).await,
        KeyClaim::Running
    );
    assert!(keep(&fixture, &acme, &second, &[]).await);
    assert!(
        !keep(&fixture, &acme, &second, &[]).await,
        "there is one answer"
    );
    let answered = KeyClaim::Answered(answer());
    assert_eq!(claim(&fixture, &acme, 1, LEASE, DAY).await, answered);
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let other = KeyedRequest {
        fingerprint: [8; 32],
        ..request(1)
    };
    let claimed = transaction.claim_key(&other, LEASE, DAY).await.unwrap();
    assert_eq!(claimed, KeyClaim::OtherRequest);
}

#[tokio::test]
async fn a_key_that_is_renewed_is_not_taken_and_not_removed_however_short_its_life() {
    let (fixture, acme) = (Fixture::new().await, tenant("acme"));
    let KeyClaim::Held(key) = claim(&fixture, &acme, 1, OVER, OVER).await else {
        panic!("a new key")
    };
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    assert!(transaction.renew_key(&key, LEASE).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(fixture.store.delete_expired_keys().await.unwrap(), 0);
    assert_eq!(
        claim(&fixture, &acme, 1, LEASE, DAY).await,
        KeyClaim::Running
    );
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    transaction.release_key(&key).await.unwrap();
    transaction.commit().await.unwrap();
    held(&fixture, &acme, 1, LEASE).await;
}

#[tokio::test]
async fn an_answer_that_is_not_committed_was_never_given() {
    let (fixture, acme) = (Fixture::new().await, tenant("acme"));
    let key = held(&fixture, &acme, 1, LEASE).await;
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    assert!(
        transaction
            .keep_answer(&key, &answer(), &[Uuid::nil()])
            .await
            .unwrap()
    );
    drop(transaction);
    assert_eq!(
        claim(&fixture, &acme, 1, LEASE, DAY).await,
        KeyClaim::Running
    );
    assert!(keep(&fixture, &acme, &key, &[]).await);
}

#[tokio::test]
async fn answers_are_forgotten_by_what_they_tell_of_within_their_tenant() {
    let fixture = Fixture::new().await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
    for (who, key, tells_of) in [
        (&acme, 1, vec![ada]),
        (&acme, 2, vec![bob, ada, bob]),
        (&acme, 3, vec![bob]),
        (&other, 1, vec![ada]),
    ] {
        let key = held(&fixture, who, key, LEASE).await;
        assert!(keep(&fixture, who, &key, &tells_of).await);
    }
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    transaction
        .forget_idempotent_answers(&[ada, Uuid::now_v7()])
        .await
        .unwrap();
    transaction.forget_idempotent_answers(&[ada]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        claim(&fixture, &acme, 1, LEASE, DAY).await,
        KeyClaim::Forgotten
    );
    assert_eq!(
        claim(&fixture, &acme, 2, LEASE, DAY).await,
        KeyClaim::Forgotten
    );
    let answered = KeyClaim::Answered(answer());
    assert_eq!(claim(&fixture, &acme, 3, LEASE, DAY).await, answered);
    assert_eq!(claim(&fixture, &other, 1, LEASE, DAY).await, answered);
}

#[tokio::test]
async fn only_expired_keys_can_be_removed_and_of_all_tenants_at_once() {
    let fixture = Fixture::new().await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    for who in [&acme, &other] {
        for (key, life) in [(1, OVER), (2, DAY)] {
            claim(&fixture, who, key, OVER, life).await;
        }
    }
    let mut session = fixture.service(Some("acme")).await;
    for statement in [
        "delete from idempotency_keys where expires_at > now()",
        "delete from idempotency_keys where tenant = 'other'",
    ] {
        let done = sqlx::query(AssertSqlSafe(statement))
            .execute(&mut session)
            .await;
        assert_eq!(done.unwrap().rows_affected(), 0, "{statement}");
    }
    assert_eq!(fixture.store.delete_expired_keys().await.unwrap(), 2);
    let left: i64 = sqlx::query_scalar("select count(*) from idempotency_keys")
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(left, 2);
}
