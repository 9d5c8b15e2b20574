//! The search for several faces at once finds what searches for each of them find.

use likeness::domain::face::Template;
use likeness::domain::ids::{SubjectId, WatchlistId};
use likeness::domain::watchlist::Nearest;
use likeness::store::{EachMatches, NewSubject, Store};
use rand::SeedableRng;
use rand::rngs::StdRng;
use time::{Duration, OffsetDateTime};

use crate::fixture::{search, tenant};
use crate::galleries::Replicas;
use crate::search::at_similarity;

const FLOOR: f64 = 0.1;

async fn each(store: &Store, list: WatchlistId, probes: &[Template]) -> Option<EachMatches> {
    let faces: Vec<&Template> = probes.iter().collect();
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    transaction
        .search_each(list, &faces, |_| FLOOR, 5)
        .await
        .unwrap()
}

/// What each of them finds by itself, and in how large a gallery.
async fn one_by_one(
    store: &Store,
    list: WatchlistId,
    probes: &[Template],
) -> (u64, Vec<Vec<Nearest>>) {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let (mut size, mut all) = (0, Vec::new());
    for probe in probes {
        let found = search(&mut transaction, list, probe, FLOOR, 5).await;
        size = found.size;
        all.push(found.nearest);
    }
    (size, all)
}

async fn enrol(store: &Store, list: WatchlistId, new: NewSubject, faces: &[Template]) -> SubjectId {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let made = transaction.insert_subject(list, new, faces).await.unwrap();
    transaction.commit().await.unwrap();
    made.id
}

/// People with several faces, with a time that is over or changed, people who are gone, and strangers.
#[tokio::test]
async fn several_faces_find_what_each_finds_with_codes_and_without() {
    let mut replicas = Replicas::new(300).await;
    let (store, list) = (replicas.reader.clone(), replicas.list);
    let mut rng = StdRng::seed_from_u64(3);
    let mut probes: Vec<Template> = (0..20).map(|_| replicas.stranger()).collect();
    let over = || NewSubject {
        valid_until: Some(OffsetDateTime::now_utc() - Duration::days(1)),
        ..NewSubject::default()
    };
    let mut made = Vec::new();
    for (index, probe) in probes.iter().enumerate() {
        let faces = [0.9, 0.5].map(|cosine| at_similarity(&mut rng, probe, cosine));
        let new = if index % 5 == 0 {
            over()
        } else {
            NewSubject::default()
        };
        made.push(enrol(&store, list, new, &faces).await);
        if index == 9 {
            replicas.take_in().await;
        }
    }
    probes.push(replicas.stranger());
    let agree = async |state: &str| {
        let found = each(&store, list, &probes).await.unwrap();
        let singly = one_by_one(&store, list, &probes).await;
        assert_eq!(
            (found.size, &found.nearest),
            (singly.0, &singly.1),
            "{state}"
        );
        singly
    };
    let (_, found) = agree("partly taken in").await;
    for (index, (nearest, subject)) in found.iter().zip(&made).enumerate() {
        let is_found = nearest.iter().any(|near| near.subject_id == *subject);
        assert_eq!(is_found, index % 5 != 0, "{index}");
    }
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    for subject in [made[1], made[12]] {
        assert!(transaction.delete_subject(list, subject).await.unwrap());
    }
    for (subject, valid_until) in [
        (made[0], None),
        (
            made[2],
            Some(OffsetDateTime::now_utc() - Duration::hours(1)),
        ),
    ] {
        let change = likeness::store::SubjectChange {
            valid_until: Some(valid_until),
            ..Default::default()
        };
        assert!(
            transaction
                .update_subject(list, subject, change)
                .await
                .unwrap()
        );
    }
    transaction.commit().await.unwrap();
    let (_, found) = agree("with changes").await;
    assert!(found[0].iter().any(|near| near.subject_id == made[0]));
    assert!(found[2].iter().all(|near| near.subject_id != made[2]));
    replicas.take_in().await;
    agree("taken in").await;
    store.galleries().forget(&replicas.key());
    let (size, _) = agree("without codes").await;
    assert_eq!(size, 300 + 2 * 14);
}

#[tokio::test]
async fn what_is_alike_enough_is_asked_for_the_size_of_the_gallery() {
    let mut replicas = Replicas::new(30).await;
    let probe = replicas.stranger();
    enrol(
        &replicas.writer,
        replicas.list,
        NewSubject::default(),
        std::slice::from_ref(&probe),
    )
    .await;
    let mut transaction = replicas.reader.begin(&tenant("acme")).await.unwrap();
    for (at_31, found) in [(0.9, 1), (1.1, 0)] {
        let floor = |size| if size == 31 { at_31 } else { 2.0 };
        let faces = [&probe];
        let each = transaction.search_each(replicas.list, &faces, floor, 5);
        let each = each.await.unwrap().unwrap();
        assert_eq!(each.nearest[0].len(), found);
    }
}

#[tokio::test]
async fn a_list_without_faces_answers_nobody_and_one_that_is_not_there_nothing() {
    let mut replicas = Replicas::new(1).await;
    let probes = [replicas.stranger(), replicas.stranger()];
    let empty = replicas.another_list("empty").await;
    let found = each(&replicas.reader, empty, &probes).await;
    let nobody = EachMatches {
        size: 0,
        has_others: false,
        nearest: vec![Vec::new(); 2],
    };
    assert_eq!(found, Some(nobody));
    assert_eq!(
        each(&replicas.reader, empty, &[]).await,
        Some(EachMatches::default())
    );
    assert_eq!(
        each(&replicas.reader, WatchlistId::new(), &probes).await,
        None
    );
}
