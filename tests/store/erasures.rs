//! Of a person who is erased nothing is left, in any place, for anybody; of everybody else everything is.

use likeness::domain::decision::Decision;
use likeness::domain::erasure::{ErasedCounts, Erasure};
use likeness::domain::ids::{SubjectId, WatchlistId};
use likeness::domain::job::{JobState, RowState};
use likeness::domain::verification::Verification;
use likeness::lifecycle::{ErasureRequest, Receipt, commitment, erase};
use likeness::store::{
    FinishedRow, NewSubject, RowOutcome, Store, SubjectChange, VerificationFilter,
};
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::fixture::{
    Fixture, actor, axis, first_page, new_subject, of_key, search, tenant, verification,
};
use crate::galleries::Replicas;
use crate::jobs::{acme_with_list, queued, row};

fn request(external_id: &str) -> ErasureRequest {
    ErasureRequest {
        external_id: external_id.to_owned(),
        reason: Some("withdrawn".to_owned()),
    }
}

/// Erases somebody of `acme`.
pub async fn erased(store: &Store, external_id: &str) -> Receipt {
    let done = erase(store, &actor("acme"), request(external_id)).await;
    done.unwrap().commit().await.unwrap()
}

async fn counts(store: &Store, external_id: &str) -> ErasedCounts {
    erased(store, external_id).await.erasure.counts
}

async fn enrolled(store: &Store, who: &str, list: WatchlistId, key: &str) -> SubjectId {
    let mut transaction = store.begin(&tenant(who)).await.unwrap();
    let new = NewSubject {
        display_name: Some(format!("Name of {key}")),
        ..new_subject(key)
    };
    let faces = [axis(1), axis(2)];
    let made = transaction.insert_subject(list, new, &faces).await.unwrap();
    transaction.commit().await.unwrap();
    made.id
}

/// A verification that found people on a list.
pub fn found(list: WatchlistId, people: &[(SubjectId, &str)]) -> Verification {
    let hit = |(subject, key): &(SubjectId, &str)| {
        json!({"watchlist_id": list, "subject_id": subject, "external_id": key,
            "display_name": format!("Name of {key}"), "similarity": 0.7, "band": "hit"})
    };
    let hits: Vec<_> = people.iter().map(hit).collect();
    let threshold = json!({"similarity": 0.4, "target_fmr": 1e-4, "extrapolated": false});
    let mut new = verification(Decision::Review, Some("somebody-else"));
    new.assessment.watchlist.searched = serde_json::from_value(json!([
        {"watchlist_id": list, "kind": "alert", "size": 9, "target_fpir": 0.01, "threshold": threshold, "hits": hits},
        {"watchlist_id": list, "kind": "alert", "size": 9, "target_fpir": 0.01, "threshold": threshold, "hits": []},
    ]))
    .unwrap();
    new
}

async fn keep(store: &Store, who: &str, new: &Verification) {
    let mut transaction = store.begin(&tenant(who)).await.unwrap();
    transaction.insert_verification(new, None).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Every table's rows that hold a text, as the owner sees them.
async fn holding(fixture: &Fixture, text: &str) -> Vec<String> {
    let mut owner = fixture.owner().await;
    let tables: Vec<String> =
        sqlx::query_scalar("select relname::text from pg_stat_user_tables order by 1")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    let mut holding = Vec::new();
    for table in tables {
        let statement =
            format!("select count(*) from {table} as row where position($1 in row::text) > 0");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
            .bind(text)
            .fetch_one(&mut owner)
            .await
            .unwrap();
        if count > 0 {
            holding.push(table);
        }
    }
    holding
}

#[tokio::test]
async fn a_person_goes_from_every_list_and_verification_and_nobody_else_does() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let [first, second] = [
        fixture.watchlist(&tenant("acme"), "1").await.id,
        fixture.watchlist(&tenant("acme"), "2").await.id,
    ];
    let foreign = fixture.watchlist(&tenant("other"), "1").await.id;
    for (who, list, key) in [
        ("acme", first, "target-1"),
        ("acme", second, "target-1"),
        ("acme", first, "beside-1"),
        ("other", foreign, "target-1"),
    ] {
        enrolled(store, who, list, key).await;
    }
    for (who, key) in [
        ("acme", "target-1"),
        ("acme", "beside-1"),
        ("other", "target-1"),
    ] {
        keep(store, who, &verification(Decision::Declined, Some(key))).await;
    }

    let expected = ErasedCounts {
        subjects: 2,
        faces: 4,
        verifications: 1,
        ..ErasedCounts::default()
    };
    assert_eq!(counts(store, "target-1").await, expected);
    assert_eq!(counts(store, "target-1").await, ErasedCounts::default());

    let mut own = store.begin(&tenant("acme")).await.unwrap();
    for list in [first, second] {
        let page = own
            .list_subjects(list, &of_key("target-1"), first_page(9))
            .await;
        assert_eq!(page.unwrap().items, []);
    }
    let hits = search(&mut own, first, &axis(1), 0.9, 9).await;
    let keys: Vec<_> = hits
        .nearest
        .iter()
        .map(|n| n.external_id.as_deref())
        .collect();
    assert_eq!((keys, hits.size), (vec![Some("beside-1")], 2));
    let left = own
        .list_verifications(&VerificationFilter::default(), first_page(9))
        .await;
    let left = left.unwrap().items;
    assert_eq!(left.len(), 1);
    assert_eq!(
        left[0].verification.external_id.as_deref(),
        Some("beside-1")
    );
    let mut foreigner = store.begin(&tenant("other")).await.unwrap();
    let hits = search(&mut foreigner, foreign, &axis(1), 0.9, 9).await;
    assert_eq!(hits.nearest.len(), 1);
    let all = VerificationFilter::default();
    let left = foreigner.list_verifications(&all, first_page(9)).await;
    assert_eq!(left.unwrap().items.len(), 1);
}

#[tokio::test]
async fn verifications_of_others_forget_whom_they_found_and_keep_that_they_found_somebody() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let target = enrolled(store, "acme", list, "target-1").await;
    let beside = enrolled(store, "acme", list, "beside-1").await;
    let both = found(list, &[(beside, "beside-1"), (target, "target-1")]);
    let other = found(list, &[(beside, "beside-1")]);
    let under_old_key = found(list, &[(target, "older-key")]);
    let long_gone = found(list, &[(SubjectId::new(), "target-1")]);
    for new in [&both, &other, &under_old_key, &long_gone] {
        keep(store, "acme", new).await;
    }

    assert_eq!(counts(store, "target-1").await.hits, 3);
    for gone in ["target-1", "Name of target-1", "older-key"] {
        assert_eq!(holding(&fixture, gone).await, [""; 0], "{gone}");
    }
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let mut read = async |id| {
        let found = transaction.find_verification(id).await.unwrap();
        found.unwrap().verification
    };
    let mut expected = both.clone();
    let hit = &mut expected.assessment.watchlist.searched[0].hits[1];
    (hit.external_id, hit.display_name) = (None, None);
    assert_eq!(read(both.id).await, expected);
    assert_eq!(read(other.id).await, other);
    // The other one can still be erased from it.
    drop(transaction);
    assert_eq!(counts(store, "beside-1").await.hits, 2);
    assert_eq!(holding(&fixture, "beside-1").await, [""; 0]);
}

#[tokio::test]
async fn imports_keep_neither_picture_nor_key_nor_file_of_a_person_and_still_add_up() {
    let (fixture, list) = acme_with_list().await;
    let store = &fixture.store;
    let job = queued(&fixture, list, 3).await;
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    transaction.begin_job(job).await.unwrap();
    let made = transaction
        .insert_subject(list, new_subject("e1"), &[axis(1)])
        .await
        .unwrap();
    let enrolled = FinishedRow {
        number: 1,
        outcome: RowOutcome::Enrolled(made.id, made.faces[0].id),
        duplicate_of: Vec::new(),
    };
    assert!(
        transaction
            .finish_rows(job, std::slice::from_ref(&enrolled))
            .await
            .unwrap()
    );
    transaction.count_rows(job, 1, 0).await.unwrap();
    // Known by another key since; the row still says the old one.
    let change = SubjectChange {
        external_id: Some(Some("renamed".to_owned())),
        ..SubjectChange::default()
    };
    transaction
        .update_subject(list, made.id, change)
        .await
        .unwrap();
    transaction.commit().await.unwrap();

    assert_eq!(counts(store, "renamed").await.job_rows, 1);
    assert_eq!(counts(store, "e2").await.job_rows, 1);
    for gone in ["renamed", ",e1,", "1.jpg", ",e2,", "2.jpg"] {
        assert_eq!(holding(&fixture, gone).await, [""; 0], "{gone}");
    }
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let rows = transaction
        .list_job_rows(job, None, first_page(9))
        .await
        .unwrap()
        .items;
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(
        states,
        [RowState::Succeeded, RowState::Cancelled, RowState::Pending]
    );
    assert_eq!(rows[2].external_id.as_deref(), Some("e3"));
    let waiting = transaction.pending_rows(job, 0, 9).await.unwrap();
    assert_eq!(
        waiting.iter().map(|row| row.number).collect::<Vec<_>>(),
        [3]
    );
    // What was in work when the person was erased comes too late, and may not enrol anybody.
    let late = FinishedRow {
        number: 2,
        outcome: RowOutcome::Enrolled(made.id, made.faces[0].id),
        duplicate_of: Vec::new(),
    };
    assert!(
        !transaction
            .finish_rows(job, std::slice::from_ref(&late))
            .await
            .unwrap()
    );
    let going_on = transaction.find_job(job).await.unwrap().unwrap();
    assert_eq!(
        (going_on.state, going_on.done, going_on.total),
        (JobState::Running, 2, 3)
    );
}

#[tokio::test]
async fn of_a_job_that_is_still_being_received_the_rows_that_are_there_go_too() {
    let (fixture, list) = acme_with_list().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let holder = likeness::store::Holder::new();
    let lease = std::time::Duration::from_secs(600);
    let job = transaction
        .insert_job(list, &actor("acme"), holder, lease)
        .await
        .unwrap();
    let rows = vec![row(1, Ok(b"x")), row(2, Ok(b"y"))];
    transaction.insert_job_rows(job, rows).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(counts(&fixture.store, "e1").await.job_rows, 1);
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    assert!(transaction.open_job(job, 2, 0).await.unwrap().is_some());
    let waiting = transaction.pending_rows(job, 0, 9).await.unwrap();
    assert_eq!(waiting.len(), 1);
}

#[tokio::test]
async fn an_erasure_waits_for_an_enrolment_that_is_under_way_and_undoes_it() {
    let (fixture, list) = acme_with_list().await;
    let mut enrolling = fixture.store.begin(&tenant("acme")).await.unwrap();
    let new = new_subject("target-1");
    enrolling
        .insert_subject(list, new, &[axis(1)])
        .await
        .unwrap();
    let erasing = erased(&fixture.store, "target-1");
    let (receipt, ()) = tokio::join!(erasing, async { enrolling.commit().await.unwrap() });
    assert_eq!(receipt.erasure.counts.subjects, 1);
    assert_eq!(holding(&fixture, "target-1").await, [""; 0]);
}

#[tokio::test]
async fn another_replica_does_not_find_an_erased_person_in_its_very_next_search() {
    let mut replicas = Replicas::new(300).await;
    replicas.take_in().await;
    for round in 0..10 {
        let face = replicas.stranger();
        let key = format!("target-{round}");
        let mut transaction = replicas.writer.begin(&tenant("acme")).await.unwrap();
        let faces = std::slice::from_ref(&face);
        transaction
            .insert_subject(replicas.list, new_subject(&key), faces)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        if round % 2 == 0 {
            // Its code is in the other one's memory.
            replicas.take_in().await;
        }
        assert_eq!(replicas.find(&face).await.nearest.len(), 1);
        assert_eq!(counts(&replicas.writer, &key).await.faces, 1);
        let found = replicas.find(&face).await;
        assert_eq!((found.nearest, found.size), (vec![], 300));
    }
}

#[tokio::test]
async fn an_erasure_that_is_not_committed_never_happened() {
    let (fixture, list) = acme_with_list().await;
    enrolled(&fixture.store, "acme", list, "target-1").await;
    let done = erase(&fixture.store, &actor("acme"), request("target-1")).await;
    drop(done.unwrap());
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    assert_eq!(
        transaction
            .list_erasures(first_page(9))
            .await
            .unwrap()
            .items,
        []
    );
    let hits = search(&mut transaction, list, &axis(1), 0.9, 9).await;
    assert_eq!(hits.nearest.len(), 1);
}

#[tokio::test]
async fn a_receipt_stays_as_it_is_and_names_nobody_but_to_whom_has_its_key() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let Receipt { erasure, proof_key } = erased(&fixture.store, "target-1").await;
    assert_eq!(
        erasure.commitment,
        commitment(&proof_key, &acme, "target-1")
    );
    for kept in ["target-1", proof_key.as_str()] {
        assert_eq!(holding(&fixture, kept).await, [""; 0]);
    }
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let read: Option<Erasure> = transaction.find_erasure(erasure.id).await.unwrap();
    let logged = Erasure {
        audit_sequence: Some(1),
        ..erasure.clone()
    };
    assert_eq!(read.as_ref(), Some(&logged));
    let page = transaction.list_erasures(first_page(9)).await.unwrap();
    assert_eq!(page.items, [logged]);
    let mut foreign = fixture.store.begin(&tenant("other")).await.unwrap();
    assert_eq!(foreign.find_erasure(erasure.id).await.unwrap(), None);
    for statement in [
        "update erasures set subjects = 0",
        "delete from erasures",
        "truncate erasures",
    ] {
        let mut session = fixture.service(Some("acme")).await;
        let refused = sqlx::query(statement).execute(&mut session).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("permission denied"), "{message}");
    }
}
