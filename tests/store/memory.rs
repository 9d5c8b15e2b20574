//! Codes in memory: what is gone leaves it at once, and how galleries are read into it.

use std::time::Duration;

use likeness::domain::face::Template;
use likeness::domain::ids::{SubjectId, WatchlistId};
use likeness::domain::watchlist::SearchMethod;
use likeness::gallery::GalleryKey;
use likeness::metrics::Metrics;
use likeness::store::{NewSubject, SearchSettings, Store};
use likeness::verify::RecallMonitor;
use sqlx::PgConnection;
use tokio::time::{Instant, sleep, timeout};

use crate::fixture::{search, tenant};
use crate::galleries::{Replicas, SETTINGS};

/// More than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Enrols somebody with these faces, through the writing replica.
async fn enrol(replicas: &Replicas, list: WatchlistId, faces: &[Template]) -> SubjectId {
    let mut transaction = replicas.writer.begin(&tenant("acme")).await.unwrap();
    let made = transaction.insert_subject(list, NewSubject::default(), faces);
    let made = made.await.unwrap();
    transaction.commit().await.unwrap();
    made.id
}

/// A replica's codes of the list: how many, and whether that of a face is among them, which has a revision. None where it
/// has no codes.
fn held(store: &Store, key: &GalleryKey, face: (&Template, i64)) -> Option<(usize, bool)> {
    let codes = store.galleries().peek(key)?;
    let codes = codes.read().unwrap();
    // Its own code is the nearest of all.
    let nearest = codes.shortlist(face.0, 1, 0).faces;
    Some((codes.faces(), nearest == [face.1]))
}

#[tokio::test]
async fn codes_of_what_a_replica_deletes_are_out_of_its_memory_with_the_commit() {
    let mut replicas = Replicas::new(300).await;
    let (key, acme) = (replicas.key(), tenant("acme"));
    let [first, second, third] = std::array::from_fn(|_| replicas.stranger());
    let subject = enrol(&replicas, replicas.list, &[first.clone(), second.clone()]).await;
    let other = enrol(&replicas, replicas.list, std::slice::from_ref(&third)).await;
    replicas.take_in().await;
    let reader = replicas.reader.clone();
    let all = |faces: usize, here: [bool; 3]| {
        let known = [(&first, 301), (&second, 302), (&third, 303)];
        let held = known.map(|face| held(&reader, &key, face).unwrap());
        assert_eq!(held, here.map(|here| (faces, here)));
    };
    all(303, [true; 3]);

    let mut transaction = reader.begin(&acme).await.unwrap();
    let faces = transaction
        .list_faces(replicas.list, subject)
        .await
        .unwrap();
    transaction
        .delete_face(replicas.list, subject, faces[0].id)
        .await
        .unwrap();
    all(303, [true; 3]);
    drop(transaction);
    all(303, [true; 3]);

    let mut transaction = reader.begin(&acme).await.unwrap();
    transaction
        .delete_face(replicas.list, subject, faces[0].id)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    all(302, [false, true, true]);

    let mut transaction = reader.begin(&acme).await.unwrap();
    transaction
        .delete_subject(replicas.list, subject)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    all(301, [false, false, true]);
    // What the codes were told ahead of their revision they take in as nothing new.
    replicas.take_in().await;
    all(301, [false, false, true]);
    let found = replicas.find(&third).await;
    assert_eq!((found.size, found.nearest[0].subject_id), (301, other));

    let mut transaction = reader.begin(&acme).await.unwrap();
    transaction.delete_watchlist(replicas.list).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(reader.galleries().keys().is_empty());
}

#[tokio::test]
async fn an_erasure_takes_the_codes_with_it() {
    let mut replicas = Replicas::new(300).await;
    let face = replicas.stranger();
    let reader = replicas.reader.clone();
    let mut transaction = reader.begin(&tenant("acme")).await.unwrap();
    let new = NewSubject {
        external_id: Some("ada".to_owned()),
        ..NewSubject::default()
    };
    let made = transaction.insert_subject(replicas.list, new, std::slice::from_ref(&face));
    made.await.unwrap();
    transaction.commit().await.unwrap();
    replicas.take_in().await;
    assert_eq!(
        held(&reader, &replicas.key(), (&face, 301)),
        Some((301, true))
    );
    let mut transaction = reader.begin(&tenant("acme")).await.unwrap();
    assert_eq!(transaction.erase_person("ada").await.unwrap().faces, 1);
    transaction.commit().await.unwrap();
    assert_eq!(
        held(&reader, &replicas.key(), (&face, 301)),
        Some((300, false))
    );
}

#[tokio::test]
async fn codes_of_what_another_replica_deletes_go_at_the_next_tick_though_nobody_searches() {
    let mut replicas = Replicas::new(300).await;
    let face = replicas.stranger();
    let subject = enrol(&replicas, replicas.list, std::slice::from_ref(&face)).await;
    replicas.take_in().await;
    let (reader, key) = (replicas.reader.clone(), replicas.key());
    let monitor = RecallMonitor::new(reader.clone(), Metrics::default(), 0.999);
    let mut transaction = replicas.writer.begin(&tenant("acme")).await.unwrap();
    transaction
        .delete_subject(replicas.list, subject)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(held(&reader, &key, (&face, 301)), Some((301, true)));
    monitor.catch_up().await;
    assert_eq!(held(&reader, &key, (&face, 301)), Some((300, false)));

    let mut transaction = replicas.writer.begin(&tenant("acme")).await.unwrap();
    transaction.delete_watchlist(replicas.list).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(reader.galleries().keys(), [key]);
    monitor.catch_up().await;
    assert_eq!(reader.galleries().bytes(), 0);
}

/// The monitor ticks by itself, also where it makes no tests.
#[tokio::test]
async fn without_tests_of_recall_codes_are_brought_up_to_date_all_the_same() {
    let mut replicas = Replicas::new(300).await;
    let face = replicas.stranger();
    let subject = enrol(&replicas, replicas.list, std::slice::from_ref(&face)).await;
    replicas.take_in().await;
    let mut transaction = replicas.writer.begin(&tenant("acme")).await.unwrap();
    transaction
        .delete_subject(replicas.list, subject)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let (reader, key) = (replicas.reader.clone(), replicas.key());
    let monitor = RecallMonitor::new(reader.clone(), Metrics::default(), 0.999);
    let running = tokio::spawn(monitor.run(Duration::ZERO));
    let deadline = Instant::now() + PATIENCE;
    while held(&reader, &key, (&face, 301)) != Some((300, false)) {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(5)).await;
    }
    running.abort();
}

/// Readings of whole galleries wait for the gate in this database, and nothing else does.
struct Gate {
    connection: PgConnection,
    store: Store,
}

impl Gate {
    /// Closes it, for a service of its own with so many connections.
    async fn close(replicas: &Replicas, connections: u32) -> Self {
        let mut connection = replicas.owner().await;
        let put = "alter function binary_quantize(halfvec) rename to quantize_behind_the_gate;
            create function binary_quantize(halfvec) returns bit language plpgsql set lock_timeout = 0 as $$
            begin
                perform pg_advisory_xact_lock_shared(7);
                return quantize_behind_the_gate($1);
            end $$;
            select pg_advisory_lock(7)";
        sqlx::raw_sql(put).execute(&mut connection).await.unwrap();
        let store = Store::connect(replicas.url(), connections).await.unwrap();
        Self {
            connection,
            store: store.with_search(SETTINGS),
        }
    }

    /// How many wait for it.
    async fn waiting(&mut self) -> i64 {
        let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
        sqlx::query_scalar(waiting)
            .fetch_one(&mut self.connection)
            .await
            .unwrap()
    }

    async fn somebody_waits(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.waiting().await == 0 {
            assert!(Instant::now() < deadline, "nobody reads a gallery");
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn open(mut self) {
        sqlx::raw_sql("select pg_advisory_unlock(7)")
            .execute(&mut self.connection)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn while_large_lists_are_read_one_by_one_others_are_searched() {
    let mut replicas = Replicas::new(300).await;
    let faces: Vec<Template> = (0..150).map(|_| replicas.stranger()).collect();
    let mut large = vec![replicas.key()];
    for name in ["second", "third", "fourth"] {
        let list = replicas.another_list(name).await;
        enrol(&replicas, list, &faces).await;
        large.push(GalleryKey {
            watchlist_id: list,
            ..replicas.key()
        });
    }
    let small = replicas.another_list("small").await;
    enrol(&replicas, small, &faces[..1]).await;

    // Two connections: one reads galleries, and the other is free, or this could not go on.
    let mut gate = Gate::close(&replicas, 2).await;
    let store = gate.store.clone();
    let loads: Vec<_> = large
        .iter()
        .map(|key| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { store.take_in(&key).await })
        })
        .collect();
    gate.somebody_waits().await;
    for list in [small, large[1].watchlist_id, large[0].watchlist_id] {
        let answer = async {
            let mut transaction = store.begin(&tenant("acme")).await.unwrap();
            search(&mut transaction, list, &faces[0], 0.9, 1).await
        };
        let found = timeout(PATIENCE, answer)
            .await
            .expect("the search waits for the reading");
        assert_eq!(found.method, SearchMethod::Exact);
        assert_eq!(found.nearest.len(), usize::from(list != replicas.list));
    }
    assert_eq!(gate.waiting().await, 1, "one reads at a time");
    assert!(store.galleries().keys().is_empty());
    gate.open().await;
    for load in loads {
        load.await.unwrap().unwrap();
    }
    assert_eq!(store.galleries().keys().len(), 4);
}

#[tokio::test]
async fn a_face_that_is_deleted_while_its_list_is_read_is_not_kept() {
    let mut replicas = Replicas::new(300).await;
    let face = replicas.stranger();
    let subject = enrol(&replicas, replicas.list, std::slice::from_ref(&face)).await;
    let mut gate = Gate::close(&replicas, 3).await;
    let (store, key) = (gate.store.clone(), replicas.key());
    let load = tokio::spawn({
        let (store, key) = (store.clone(), key.clone());
        async move { store.take_in(&key).await }
    });
    gate.somebody_waits().await;
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    transaction
        .delete_subject(replicas.list, subject)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    gate.open().await;
    load.await.unwrap().unwrap();
    assert_eq!(held(&store, &key, (&face, 301)), Some((300, false)));
}

#[tokio::test]
async fn a_gallery_that_is_too_large_for_memory_is_not_read_after_every_search() {
    let mut replicas = Replicas::new(200).await;
    let face = replicas.stranger();
    let gate = Gate::close(&replicas, 3).await;
    let room = |faces: usize| SearchSettings {
        memory_bytes: 80 * faces,
        ..SETTINGS
    };
    let (too_little, enough) = (
        gate.store.clone().with_search(room(199)),
        gate.store.clone().with_search(room(216)),
    );
    for (store, reads) in [(&too_little, false), (&enough, true)] {
        for _ in 0..3 {
            let mut transaction = store.begin(&tenant("acme")).await.unwrap();
            let found = search(&mut transaction, replicas.list, &face, 0.9, 1).await;
            assert_eq!(found.method, SearchMethod::Exact);
            // Whoever reads has claimed it by now.
            let claim = store.galleries().claim(&replicas.key());
            assert_eq!(claim.is_none(), reads);
        }
    }
    // Asked to, it does not wait at the gate either.
    let asked = timeout(PATIENCE, too_little.take_in(&replicas.key())).await;
    asked.expect("the gallery is read").unwrap();
    assert!(too_little.galleries().keys().is_empty());
    gate.open().await;
    enough.take_in(&replicas.key()).await.unwrap();
    assert_eq!(enough.galleries().keys(), [replicas.key()]);
}

#[tokio::test]
async fn a_gallery_that_has_outgrown_its_room_is_given_up() {
    let replicas = Replicas::new(200).await;
    let tight = SearchSettings {
        memory_bytes: 80 * 208,
        ..SETTINGS
    };
    let store = replicas.reader.clone().with_search(tight);
    store.take_in(&replicas.key()).await.unwrap();
    assert_eq!(store.galleries().keys(), [replicas.key()]);
    let mut replicas = replicas;
    let faces: Vec<Template> = (0..100).map(|_| replicas.stranger()).collect();
    enrol(&replicas, replicas.list, &faces).await;
    store.catch_up(&replicas.key()).await.unwrap();
    assert_eq!(store.galleries().bytes(), 0);
}
