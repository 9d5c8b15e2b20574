//! What goes in comes out, in pages without gaps, and goes away completely.

use likeness::domain::decision::Decision;
use likeness::domain::ids::{FaceId, SubjectId, VerificationId, WatchlistId};
use likeness::domain::verification::KeptVerification;
use likeness::domain::watchlist::{Subject, Watchlist};
use likeness::store::{
    NewSubject, PageRequest, SubjectFilter, TenantTx, VerificationFilter, WatchlistFilter,
    WatchlistPolicy,
};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::fixture::{
    Fixture, axis, consent, first_page, new_face, new_subject, new_watchlist, of_key, tenant,
    verification,
};

#[tokio::test]
async fn a_watchlist_counts_who_is_on_it() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let other = transaction
        .insert_watchlist(new_watchlist("other"))
        .await
        .unwrap();
    let list = transaction
        .insert_watchlist(new_watchlist("door"))
        .await
        .unwrap();
    assert_eq!((list.subjects, list.faces), (0, 0));
    for (name, faces) in [("a", 2), ("b", 0), ("c", 1)] {
        let templates: Vec<_> = (0..faces).map(axis).collect();
        transaction
            .insert_subject(list.id, new_subject(name), &templates)
            .await
            .unwrap();
    }
    let counted = Watchlist {
        subjects: 3,
        faces: 3,
        ..list.clone()
    };
    assert_eq!(
        transaction.find_watchlist(list.id).await.unwrap(),
        Some(counted.clone())
    );
    let page = transaction
        .list_watchlists(&WatchlistFilter::default(), first_page(9))
        .await
        .unwrap();
    assert_eq!((page.items, page.next), (vec![counted, other], None));
    assert_eq!(
        transaction.find_watchlist_policy(list.id).await.unwrap(),
        Some(WatchlistPolicy {
            kind: list.kind,
            target_fpir: list.target_fpir,
            on_duplicate: list.on_duplicate,
        })
    );
}

#[tokio::test]
async fn a_subject_comes_back_with_everything_it_was_made_of() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let new = NewSubject {
        external_id: Some("p-1".to_owned()),
        display_name: Some("Ada Ünal".to_owned()),
        metadata: [("level".to_owned(), 3.into())].into_iter().collect(),
        consent: Some(consent("c-1")),
        valid_until: Some(datetime!(2999-12-31 23:59:59.123456 UTC)),
    };
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let made = transaction
        .insert_subject(list, new.clone(), &[axis(0), axis(1)])
        .await
        .unwrap();
    assert_eq!(
        (
            &made.external_id,
            &made.display_name,
            &made.metadata,
            &made.consent,
            &made.valid_until
        ),
        (
            &new.external_id,
            &new.display_name,
            &new.metadata,
            &new.consent,
            &new.valid_until
        )
    );
    assert_eq!((made.watchlist_id, made.faces.len()), (list, 2));
    assert_eq!(
        transaction.find_subject(list, made.id).await.unwrap(),
        Some(made.clone())
    );
    let page = transaction
        .list_subjects(list, &of_key("p-1"), first_page(9))
        .await
        .unwrap();
    assert_eq!(page.items, [made]);
    let page = transaction
        .list_subjects(list, &of_key("p-2"), first_page(9))
        .await
        .unwrap();
    assert_eq!(page.items, []);
}

#[tokio::test]
async fn a_face_is_added_listed_and_removed_by_itself() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let Subject { id, faces, .. } = transaction
        .insert_subject(list, new_subject("s"), &[axis(0)])
        .await
        .unwrap();
    let added = transaction
        .insert_face(list, new_face(id, &axis(1)))
        .await
        .unwrap();
    let both = [faces[0].clone(), added.clone()];
    assert_eq!(transaction.list_faces(list, id).await.unwrap(), both);
    assert!(
        transaction
            .delete_face(list, id, faces[0].id)
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .delete_face(list, id, faces[0].id)
            .await
            .unwrap()
    );
    assert_eq!(transaction.list_faces(list, id).await.unwrap(), [added]);
}

#[tokio::test]
async fn deleting_takes_everything_below_along_and_nothing_beside() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let mut lists = Vec::new();
    for name in ["gone", "kept"] {
        let list = transaction
            .insert_watchlist(new_watchlist(name))
            .await
            .unwrap()
            .id;
        for subject in ["a", "b"] {
            transaction
                .insert_subject(list, new_subject(subject), &[axis(0), axis(1)])
                .await
                .unwrap();
        }
        lists.push(list);
    }
    let one = transaction
        .list_subjects(lists[1], &of_key("a"), first_page(1))
        .await
        .unwrap()
        .items[0]
        .id;
    assert!(
        transaction
            .delete_watchlist(lists[0])
            .await
            .unwrap()
            .is_some()
    );
    assert!(transaction.delete_subject(lists[1], one).await.unwrap());
    transaction.commit().await.unwrap();

    let left: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from watchlists), (select count(*) from subjects), (select count(*) from faces)",
    )
    .fetch_one(&mut fixture.owner().await)
    .await
    .unwrap();
    assert_eq!(left, (1, 1, 2));
}

#[tokio::test]
async fn deleting_what_is_not_there_says_so() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let (list, subject) = (WatchlistId::new(), SubjectId::new());
    assert_eq!(transaction.delete_watchlist(list).await.unwrap(), None);
    assert!(!transaction.delete_subject(list, subject).await.unwrap());
    assert!(
        !transaction
            .delete_face(list, subject, FaceId::new())
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .delete_verification(VerificationId::new())
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_verification_comes_back_as_it_was_and_can_be_erased() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    for decision in [Decision::Approved, Decision::Review, Decision::Declined] {
        let made = verification(decision, Some("case"));
        transaction.insert_verification(&made, None).await.unwrap();
        let kept = KeptVerification {
            verification: made.clone(),
            reviews: Vec::new(),
            delete_after: None,
        };
        assert_eq!(
            transaction.find_verification(made.id).await.unwrap(),
            Some(kept)
        );
        assert!(transaction.delete_verification(made.id).await.unwrap());
        assert_eq!(transaction.find_verification(made.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn verifications_are_filtered_by_everything_that_is_asked_for() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    for (decision, external_id) in [
        (Decision::Approved, Some("a")),
        (Decision::Declined, Some("a")),
        (Decision::Approved, Some("b")),
        (Decision::Review, None),
    ] {
        transaction
            .insert_verification(&verification(decision, external_id), None)
            .await
            .unwrap();
    }
    for (external_id, decision, expected) in [
        (None, None, 4),
        (Some("a"), None, 2),
        (None, Some(Decision::Approved), 2),
        (Some("a"), Some(Decision::Approved), 1),
        (Some("c"), None, 0),
    ] {
        let filter = VerificationFilter {
            external_id: external_id.map(str::to_owned),
            decision,
            reviewed: None,
        };
        let page = transaction
            .list_verifications(&filter, first_page(9))
            .await
            .unwrap();
        assert_eq!(page.items.len(), expected, "{filter:?}");
        for found in page.items {
            let found = found.verification;
            assert!(decision.is_none_or(|decision| decision == found.assessment.decision));
            assert!(external_id.is_none_or(|id| Some(id) == found.external_id.as_deref()));
        }
    }
}

/// Reads all verifications in pages of three; after each page a newer one arrives.
async fn read_in_pages(transaction: &mut TenantTx) -> Vec<VerificationId> {
    let mut read = Vec::new();
    let mut request = first_page(3);
    loop {
        let page = transaction
            .list_verifications(&VerificationFilter::default(), request)
            .await
            .unwrap();
        assert!(page.items.len() <= 3);
        read.extend(page.items.iter().map(|kept| kept.verification.id));
        let Some(next) = page.next else { return read };
        request = PageRequest {
            after: Some(next),
            ..request
        };
        transaction
            .insert_verification(&verification(Decision::Approved, None), None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn pages_have_no_gaps_and_no_repeats_while_records_arrive() {
    let fixture = Fixture::new().await;
    for count in [0, 1, 3, 7] {
        let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
        let mut made = Vec::new();
        for _ in 0..count {
            let new = verification(Decision::Approved, None);
            transaction.insert_verification(&new, None).await.unwrap();
            made.insert(0, new.id);
        }
        assert_eq!(read_in_pages(&mut transaction).await, made);
        // Dropped: the next round starts with an empty table.
    }
}

#[tokio::test]
async fn lists_and_subjects_come_in_pages_too() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let old = transaction
        .insert_watchlist(new_watchlist("old"))
        .await
        .unwrap();
    let new = transaction
        .insert_watchlist(new_watchlist("new"))
        .await
        .unwrap();
    let first = transaction
        .list_watchlists(&WatchlistFilter::default(), first_page(1))
        .await
        .unwrap();
    assert_eq!(first.items, [new]);
    let rest = PageRequest {
        after: first.next,
        limit: 1,
    };
    let last = transaction
        .list_watchlists(&WatchlistFilter::default(), rest)
        .await
        .unwrap();
    assert_eq!((last.items, last.next), (vec![old.clone()], None));

    for name in ["a", "b", "c"] {
        transaction
            .insert_subject(old.id, new_subject(name), &[axis(0)])
            .await
            .unwrap();
    }
    let first = transaction
        .list_subjects(old.id, &SubjectFilter::default(), first_page(2))
        .await
        .unwrap();
    let rest = PageRequest {
        after: first.next,
        limit: 2,
    };
    let last = transaction
        .list_subjects(old.id, &SubjectFilter::default(), rest)
        .await
        .unwrap();
    let names: Vec<_> = first
        .items
        .iter()
        .chain(&last.items)
        .map(|subject| (subject.external_id.as_deref().unwrap(), subject.faces.len()))
        .collect();
    assert_eq!(names, [("c", 1), ("b", 1), ("a", 1)]);
    assert_eq!(last.next, None);
}

#[tokio::test]
async fn what_is_not_committed_never_happened() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let list = transaction
        .insert_watchlist(new_watchlist("door"))
        .await
        .unwrap();
    assert!(list.created_at <= OffsetDateTime::now_utc() + time::Duration::MINUTE);
    drop(transaction);
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    assert_eq!(transaction.find_watchlist(list.id).await.unwrap(), None);
}
