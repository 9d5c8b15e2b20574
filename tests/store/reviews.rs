//! What people decide is added and never changed, one after the other.

use likeness::domain::decision::Decision;
use likeness::domain::ids::VerificationId;
use likeness::domain::review::ReviewDecision;
use likeness::store::{NewReview, Store, StoreError, VerificationFilter};

use crate::fixture::{Fixture, first_page, tenant, verification};

fn review(decision: ReviewDecision, corrects: Option<u16>) -> NewReview {
    NewReview {
        reviewer: "clerk-7".to_owned(),
        decision,
        note: Some("seen in person".to_owned()),
        corrects,
    }
}

async fn kept(store: &Store, decision: Decision) -> VerificationId {
    let new = verification(decision, None);
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    transaction.insert_verification(&new, None).await.unwrap();
    transaction.commit().await.unwrap();
    new.id
}

async fn reviewed(
    store: &Store,
    who: &str,
    id: VerificationId,
    corrects: Option<u16>,
) -> Result<u16, StoreError> {
    let mut transaction = store.begin(&tenant(who)).await?;
    let new = review(ReviewDecision::Declined, corrects);
    let number = transaction.insert_review(id, &new).await?;
    transaction.commit().await?;
    Ok(number)
}

#[tokio::test]
async fn a_review_follows_the_latest_or_is_refused() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = kept(store, Decision::Review).await;
    let refused = async |corrects| {
        let error = reviewed(store, "acme", id, corrects).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    };
    refused(Some(1)).await;
    assert_eq!(reviewed(store, "acme", id, None).await.unwrap(), 1);
    refused(None).await;
    refused(Some(2)).await;
    assert_eq!(reviewed(store, "acme", id, Some(1)).await.unwrap(), 2);
    refused(Some(1)).await;
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let found = transaction.find_verification(id).await.unwrap().unwrap();
    let numbers: Vec<_> = found.reviews.iter().map(|review| review.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(found.reviews[1].note.as_deref(), Some("seen in person"));
    assert_eq!(found.verification.assessment.decision, Decision::Review);
}

#[tokio::test]
async fn of_many_who_review_at_once_one_does() {
    let fixture = Fixture::new().await;
    let id = kept(&fixture.store, Decision::Review).await;
    let reviews = (0..8).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move { reviewed(&store, "acme", id, None).await })
    });
    let reviews = futures_util::future::join_all(reviews).await;
    let done = reviews
        .into_iter()
        .filter(|review| review.as_ref().unwrap().is_ok());
    assert_eq!(done.count(), 1);
}

#[tokio::test]
async fn nobody_reviews_what_is_not_there_or_not_theirs() {
    let fixture = Fixture::new().await;
    let id = kept(&fixture.store, Decision::Review).await;
    for (who, id) in [("acme", VerificationId::new()), ("other", id)] {
        let error = reviewed(&fixture.store, who, id, None).await.unwrap_err();
        assert!(
            matches!(error, StoreError::MissingReference { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn reviews_can_be_asked_for_and_go_with_their_verification_alone() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let (first, second) = (
        kept(store, Decision::Review).await,
        kept(store, Decision::Review).await,
    );
    reviewed(store, "acme", first, None).await.unwrap();
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    for (filter, expected) in [
        (None, vec![second, first]),
        (Some(true), vec![first]),
        (Some(false), vec![second]),
    ] {
        let filter = VerificationFilter {
            reviewed: filter,
            ..VerificationFilter::default()
        };
        let page = transaction
            .list_verifications(&filter, first_page(9))
            .await
            .unwrap();
        let ids: Vec<_> = page.items.iter().map(|kept| kept.verification.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
    for statement in [
        "update verification_reviews set decision = 'approved'",
        "delete from verification_reviews",
    ] {
        let mut session = fixture.service(Some("acme")).await;
        let refused = sqlx::query(statement).execute(&mut session).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("permission denied"), "{message}");
    }
    assert!(transaction.delete_verification(first).await.unwrap());
    transaction.commit().await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from verification_reviews")
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
