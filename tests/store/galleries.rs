//! Codes in memory never hide anybody: what a search finds through them is what the database holds at that moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use likeness::domain::face::Template;
use likeness::domain::ids::{SubjectId, WatchlistId};
use likeness::domain::watchlist::SearchMethod;
use likeness::gallery::GalleryKey;
use likeness::store::{GalleryMatches, NewSubject, SearchSettings, Store, SubjectChange};
use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::SecretString;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::fixture::{Fixture, MODEL, new_subject, search, tenant};
use crate::search::{at_similarity, random};

pub const SETTINGS: SearchSettings = SearchSettings {
    exact_limit: 100,
    candidates: 50,
    memory_bytes: 1 << 20,
};

/// A list of strangers that is large enough for the coarse pass, and two services over its database.
pub struct Replicas {
    pub writer: Store,
    pub reader: Store,
    pub list: WatchlistId,
    rng: StdRng,
    fixture: Fixture,
}

impl Replicas {
    pub async fn new(faces: usize) -> Self {
        let fixture = Fixture::new().await;
        let writer = fixture.store.clone().with_search(SETTINGS);
        let reader = Store::connect(&fixture.url, 5)
            .await
            .unwrap()
            .with_search(SETTINGS);
        let list = fixture.watchlist(&tenant("acme"), "door").await.id;
        let mut rng = StdRng::seed_from_u64(11);
        let mut transaction = writer.begin(&tenant("acme")).await.unwrap();
        for _ in 0..faces {
            let stranger = random(&mut rng);
            transaction
                .insert_subject(list, NewSubject::default(), &[stranger])
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        Self {
            writer,
            reader,
            list,
            rng,
            fixture,
        }
    }

    pub fn key(&self) -> GalleryKey {
        GalleryKey {
            tenant: tenant("acme"),
            watchlist_id: self.list,
            model_id: MODEL.to_owned(),
        }
    }

    pub async fn take_in(&self) {
        self.reader.take_in(&self.key()).await.unwrap();
    }

    async fn enrol(&self, template: &Template) -> SubjectId {
        enrol(&self.writer, self.list, template, None).await
    }

    /// Another list of the same tenant, empty.
    pub async fn another_list(&self, name: &str) -> WatchlistId {
        self.fixture.watchlist(&tenant("acme"), name).await.id
    }

    /// A plain connection as the owner of the tables.
    pub async fn owner(&self) -> PgConnection {
        self.fixture.owner().await
    }

    pub fn url(&self) -> &SecretString {
        &self.fixture.url
    }

    /// A face like nobody's.
    pub fn stranger(&mut self) -> Template {
        random(&mut self.rng)
    }

    pub async fn find(&self, probe: &Template) -> GalleryMatches {
        find(&self.reader, self.list, probe).await
    }
}

async fn enrol(
    store: &Store,
    list: WatchlistId,
    template: &Template,
    valid_until: Option<OffsetDateTime>,
) -> SubjectId {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let new = NewSubject {
        valid_until,
        ..NewSubject::default()
    };
    let subject = transaction
        .insert_subject(list, new, std::slice::from_ref(template))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    subject.id
}

async fn remove(store: &Store, list: WatchlistId, subject: SubjectId) {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    assert!(transaction.delete_subject(list, subject).await.unwrap());
    transaction.commit().await.unwrap();
}

async fn find(store: &Store, list: WatchlistId, probe: &Template) -> GalleryMatches {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    search(&mut transaction, list, probe, 0.4, 9).await
}

fn ids(found: &GalleryMatches) -> Vec<SubjectId> {
    found
        .nearest
        .iter()
        .map(|nearest| nearest.subject_id)
        .collect()
}

#[tokio::test]
async fn until_its_codes_are_taken_in_a_large_list_is_searched_exactly() {
    let mut replicas = Replicas::new(300).await;
    let face = random(&mut replicas.rng);
    let subject = replicas.enrol(&face).await;
    let before = replicas.find(&face).await;
    assert_eq!(
        (before.method, before.size, before.candidates),
        (SearchMethod::Exact, 301, 301)
    );
    replicas.take_in().await;
    let after = replicas.find(&face).await;
    assert_eq!(
        (after.method, after.size, after.candidates),
        (SearchMethod::CoarseRerank, 301, 50)
    );
    assert_eq!((ids(&before), ids(&after)), (vec![subject], vec![subject]));
    assert_eq!(before.nearest, after.nearest);
}

#[tokio::test]
async fn the_coarse_pass_finds_what_comparing_everybody_finds() {
    let mut replicas = Replicas::new(2_000).await;
    replicas.take_in().await;
    for _ in 0..40 {
        let face = random(&mut replicas.rng);
        let subject = replicas.enrol(&face).await;
        let probe = at_similarity(&mut replicas.rng, &face, 0.5);
        let found = replicas.find(&probe).await;
        assert_eq!(found.method, SearchMethod::CoarseRerank);
        assert_eq!(ids(&found), [subject]);
    }
    replicas.take_in().await;
    let exact = |store: Store, list, probe: Template| async move {
        let mut transaction = store.begin(&tenant("acme")).await.unwrap();
        let query = likeness::store::GalleryQuery {
            watchlist_id: list,
            min_similarity: 0.3,
        };
        let exact = transaction
            .search_exactly(&[query], &probe, 1)
            .await
            .unwrap();
        let coarse = transaction.search(&[query], &probe, 1).await.unwrap();
        (exact[0].nearest.clone(), coarse[0].nearest.clone())
    };
    for _ in 0..20 {
        let face = random(&mut replicas.rng);
        replicas.enrol(&face).await;
        let probe = at_similarity(&mut replicas.rng, &face, 0.45);
        let (exact, coarse) = exact(replicas.reader.clone(), replicas.list, probe).await;
        assert_eq!(exact, coarse);
    }
}

#[tokio::test]
async fn what_another_replica_enrols_or_deletes_shows_in_the_next_search() {
    let mut replicas = Replicas::new(300).await;
    replicas.take_in().await;
    for _ in 0..20 {
        let face = random(&mut replicas.rng);
        let subject = replicas.enrol(&face).await;
        let found = replicas.find(&face).await;
        assert_eq!(
            (ids(&found), found.method),
            (vec![subject], SearchMethod::CoarseRerank)
        );
        remove(&replicas.writer, replicas.list, subject).await;
        let found = replicas.find(&face).await;
        assert_eq!((ids(&found), found.size), (vec![], 300));
    }
}

#[tokio::test]
async fn a_changed_end_of_a_subject_s_time_holds_at_once() {
    let mut replicas = Replicas::new(300).await;
    let face = random(&mut replicas.rng);
    let yesterday = OffsetDateTime::now_utc() - Duration::days(1);
    let mut transaction = replicas.writer.begin(&tenant("acme")).await.unwrap();
    let until = |valid_until| NewSubject {
        valid_until,
        ..new_subject("key")
    };
    let subject = transaction
        .insert_subject(
            replicas.list,
            until(Some(yesterday)),
            std::slice::from_ref(&face),
        )
        .await
        .unwrap()
        .id;
    transaction.commit().await.unwrap();
    replicas.take_in().await;
    let gone = replicas.find(&face).await;
    assert_eq!((ids(&gone), gone.size), (vec![], 300));

    for (put, taken_in) in [(false, false), (false, true), (true, false), (true, true)] {
        for (valid_until, found) in [(None, vec![subject]), (Some(yesterday), vec![])] {
            let mut transaction = replicas.writer.begin(&tenant("acme")).await.unwrap();
            if put {
                let put = transaction.put_subject(replicas.list, until(valid_until));
                assert_eq!(put.await.unwrap(), (subject, false));
            } else {
                let change = SubjectChange {
                    valid_until: Some(valid_until),
                    ..SubjectChange::default()
                };
                let changed = transaction.update_subject(replicas.list, subject, change);
                assert!(changed.await.unwrap());
            }
            transaction.commit().await.unwrap();
            if taken_in {
                replicas.take_in().await;
            }
            assert_eq!(
                ids(&replicas.find(&face).await),
                found,
                "{valid_until:?} {put} {taken_in}"
            );
        }
    }
}

#[tokio::test]
async fn a_subject_replaced_by_many_like_it_is_still_found() {
    // Each time the old face leaves a code behind that is as near to the probe as the new one.
    let mut replicas = Replicas::new(300).await;
    replicas.take_in().await;
    let face = random(&mut replicas.rng);
    let mut subject = replicas.enrol(&face).await;
    for _ in 0..3 * SETTINGS.candidates {
        remove(&replicas.writer, replicas.list, subject).await;
        subject = replicas.enrol(&face).await;
        assert_eq!(ids(&replicas.find(&face).await), [subject]);
    }
    replicas.take_in().await;
    assert_eq!(ids(&replicas.find(&face).await), [subject]);
}

#[tokio::test]
async fn a_gallery_that_does_not_fit_into_memory_is_searched_exactly() {
    let mut replicas = Replicas::new(200).await;
    let tiny = SearchSettings {
        memory_bytes: 1_000,
        ..SETTINGS
    };
    replicas.reader = replicas.reader.with_search(tiny);
    let face = random(&mut replicas.rng);
    let subject = replicas.enrol(&face).await;
    replicas.take_in().await;
    let found = replicas.find(&face).await;
    assert_eq!(
        (ids(&found), found.method),
        (vec![subject], SearchMethod::Exact)
    );
}

#[tokio::test]
async fn several_lists_are_searched_at_once_each_by_its_own_method() {
    let mut replicas = Replicas::new(300).await;
    replicas.take_in().await;
    let face = random(&mut replicas.rng);
    let large = replicas.enrol(&face).await;
    let small_list = replicas.another_list("small").await;
    let small = enrol(&replicas.writer, small_list, &face, None).await;
    let empty_list = replicas.another_list("empty").await;
    let missing = WatchlistId::new();
    let queries = [small_list, replicas.list, missing, empty_list].map(|watchlist_id| {
        likeness::store::GalleryQuery {
            watchlist_id,
            min_similarity: 0.9,
        }
    });
    let mut transaction = replicas.reader.begin(&tenant("acme")).await.unwrap();
    let found = transaction.search(&queries, &face, 9).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|list| (list.watchlist_id, ids(list), list.method, list.size))
        .collect();
    assert_eq!(
        found,
        [
            (small_list, vec![small], SearchMethod::Exact, 1),
            (replicas.list, vec![large], SearchMethod::CoarseRerank, 301),
            (empty_list, vec![], SearchMethod::Exact, 0),
        ]
    );
}

/// Enrolments and deletions through one service, searches through the other, with codes taken in and the table
/// vacuumed all the while. `TEST_ROUNDS` asks for more rounds than the usual 200.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_search_is_stale() {
    let rounds = std::env::var("TEST_ROUNDS").map_or(200, |text| text.parse().unwrap());
    let mut replicas = Replicas::new(1_000).await;
    replicas.take_in().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (reader, key, stopped) = (replicas.reader.clone(), replicas.key(), Arc::clone(&stop));
    let taking_in = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            reader.take_in(&key).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let (mut owner, stopped) = (replicas.owner().await, Arc::clone(&stop));
    let vacuuming = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            sqlx::raw_sql("vacuum faces")
                .execute(&mut owner)
                .await
                .unwrap();
        }
    });
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let faces: Vec<Template> = (0..rounds / 4).map(|_| random(&mut replicas.rng)).collect();
            let (writer, reader, list) = (
                replicas.writer.clone(),
                replicas.reader.clone(),
                replicas.list,
            );
            tokio::spawn(async move {
                let (mut stale, mut searches) = (0, 0);
                for face in faces {
                    let subject = enrol(&writer, list, &face, None).await;
                    stale += usize::from(ids(&find(&reader, list, &face).await) != [subject]);
                    remove(&writer, list, subject).await;
                    stale += usize::from(!ids(&find(&reader, list, &face).await).is_empty());
                    searches += 2;
                }
                (stale, searches)
            })
        })
        .collect();
    let (mut stale, mut searches) = (0, 0);
    for client in clients {
        let (theirs, of) = client.await.unwrap();
        stale += theirs;
        searches += of;
    }
    stop.store(true, Ordering::Relaxed);
    taking_in.await.unwrap();
    vacuuming.await.unwrap();
    eprintln!("{stale} stale answers in {searches}");
    assert_eq!((stale, searches), (0, rounds / 4 * 8));
}
