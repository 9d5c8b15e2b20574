//! Kept pictures: they come back as they were, nobody reads them in the database, and they go with their faces.

mod keys;

use std::time::Duration;

use likeness::domain::ids::{FaceId, SubjectId, WatchlistId};
use likeness::lifecycle::Sweeper;
use likeness::store::{
    ImageKey, ImageKeys, NewFace, NewWatchlist, Store, StoreError, WatchlistChange,
};
use time::OffsetDateTime;

use crate::erasures::erased;
use crate::fixture::{Fixture, axis, new_subject, new_watchlist, tenant};
use crate::traces::files;

pub fn key(name: &str) -> Option<ImageKey> {
    Some(ImageKey::new(format!("the secret of {name}").into()))
}

/// The same database through another configuration.
pub fn configured(store: &Store, current: Option<ImageKey>, before: Option<ImageKey>) -> Store {
    store.clone().with_image_keys(ImageKeys { current, before })
}

/// A database with a list of `acme` that keeps pictures under the key `a`.
struct Kept {
    fixture: Fixture,
    store: Store,
    list: WatchlistId,
}

impl Kept {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let store = configured(&fixture.store, key("a"), None);
        let list = keeping(&store, "acme", "door").await;
        Self {
            fixture,
            store,
            list,
        }
    }

    async fn enrol(&self, key: &str) -> (SubjectId, FaceId) {
        enrol(&self.store, "acme", self.list, key).await
    }

    /// Pictures that are in the database.
    async fn count(&self) -> i64 {
        sqlx::query_scalar("select count(*) from face_images")
            .fetch_one(&mut self.fixture.owner().await)
            .await
            .unwrap()
    }

    async fn change(&self, keep_images: bool) {
        let change = WatchlistChange {
            keep_images: Some(keep_images),
            ..WatchlistChange::default()
        };
        let mut transaction = self.store.begin(&tenant("acme")).await.unwrap();
        assert!(
            transaction
                .update_watchlist(self.list, change)
                .await
                .unwrap()
        );
        transaction.commit().await.unwrap();
    }
}

pub async fn keeping(store: &Store, who: &str, name: &str) -> WatchlistId {
    let new = NewWatchlist {
        keep_images: true,
        ..new_watchlist(name)
    };
    let mut transaction = store.begin(&tenant(who)).await.unwrap();
    let list = transaction.insert_watchlist(new).await.unwrap();
    assert!(list.keep_images);
    transaction.commit().await.unwrap();
    list.id
}

/// What the picture of somebody's face is.
fn picture(key: &str) -> Vec<u8> {
    format!("picture of {key} ").repeat(300).into_bytes()
}

/// Puts somebody with one face and its picture on a list.
pub async fn enrol(store: &Store, who: &str, list: WatchlistId, key: &str) -> (SubjectId, FaceId) {
    let mut transaction = store.begin(&tenant(who)).await.unwrap();
    let made = transaction.insert_subject(list, new_subject(key), &[]);
    let subject = made.await.unwrap().id;
    let new = NewFace {
        subject,
        template: &axis(0),
        image: Some(&picture(key)),
    };
    let face = transaction.insert_face(list, new).await.unwrap();
    let shown = transaction.list_faces(list, subject).await.unwrap();
    assert_eq!(shown, std::slice::from_ref(&face));
    transaction.commit().await.unwrap();
    (subject, face.id)
}

async fn read(
    store: &Store,
    who: &str,
    list: WatchlistId,
    (subject, face): (SubjectId, FaceId),
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut transaction = store.begin(&tenant(who)).await.unwrap();
    transaction.face_image(list, subject, face).await
}

/// Lets the sweeper have a turn, so much later that it is due again.
async fn sweep(store: &Store, turn: u32) {
    let now = OffsetDateTime::now_utc() + turn * time::Duration::hours(1);
    Sweeper::new(store.clone()).sweep(now).await.unwrap();
}

#[tokio::test]
async fn a_picture_comes_back_as_it_was_sent_and_the_files_of_the_database_do_not_show_it() {
    let kept = Kept::new().await;
    let (anna, bert) = (kept.enrol("anna").await, kept.enrol("bert").await);
    for (face, key) in [(anna, "anna"), (bert, "bert")] {
        let image = read(&kept.store, "acme", kept.list, face).await.unwrap();
        assert_eq!(image, Some(picture(key)));
    }
    let nobody = (anna.0, FaceId::new());
    let mut transaction = kept.store.begin(&tenant("acme")).await.unwrap();
    let faces = [anna, bert, nobody];
    let images = transaction.face_images(kept.list, &faces).await.unwrap();
    assert_eq!(images.len(), 2);
    assert_eq!(images[&bert.1], picture("bert"));
    drop(transaction);

    // The same picture twice is two ciphertexts.
    let nonces: i64 = sqlx::query_scalar("select count(distinct nonce) from face_images")
        .fetch_one(&mut kept.fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(nonces, 2);
    let contents = files(&kept.fixture).await;
    let holds = |needle: &[u8]| {
        let at = |content: &Vec<u8>| content.windows(needle.len()).any(|at| at == needle);
        contents.iter().any(at)
    };
    assert!(holds(b"anna"), "the person's key is there");
    assert!(!holds(b"picture of anna"));
}

#[tokio::test]
async fn pictures_are_kept_from_when_a_list_says_so_until_it_says_otherwise() {
    let kept = Kept::new().await;
    let beside = keeping(&kept.store, "acme", "beside").await;
    let other = enrol(&kept.store, "acme", beside, "other").await;
    kept.change(false).await;
    let before = kept.enrol("before").await;
    kept.change(true).await;
    let after = kept.enrol("after").await;
    assert_eq!(
        read(&kept.store, "acme", kept.list, before).await.unwrap(),
        None
    );
    assert!(
        read(&kept.store, "acme", kept.list, after)
            .await
            .unwrap()
            .is_some()
    );
    let mut transaction = kept.store.begin(&tenant("acme")).await.unwrap();
    for (subject, is_kept) in [(before.0, false), (after.0, true)] {
        let shown = transaction.find_subject(kept.list, subject).await.unwrap();
        assert_eq!(shown.unwrap().faces[0].image_kept, is_kept);
    }
    drop(transaction);
    kept.change(false).await;
    assert_eq!(
        read(&kept.store, "acme", kept.list, after).await.unwrap(),
        None
    );
    assert!(
        read(&kept.store, "acme", beside, other)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(kept.count().await, 1);
}

#[tokio::test]
async fn an_enrolment_under_way_while_a_list_stops_keeping_pictures_leaves_none() {
    let kept = Kept::new().await;
    let acme = tenant("acme");
    let mut enrolling = kept.store.begin(&acme).await.unwrap();
    let made = enrolling.insert_subject(kept.list, new_subject("late"), &[]);
    let subject = made.await.unwrap().id;
    let new = NewFace {
        subject,
        template: &axis(0),
        image: Some(b"a picture"),
    };
    let face = enrolling.insert_face(kept.list, new).await.unwrap();
    assert!(face.image_kept);
    let stopping = kept.change(false);
    let committing = async {
        // Long enough for the other to wait, in whichever order they come.
        tokio::time::sleep(Duration::from_millis(200)).await;
        enrolling.commit().await.unwrap();
    };
    tokio::join!(stopping, committing);
    assert_eq!(kept.count().await, 0);
}

#[tokio::test]
async fn without_a_key_no_list_keeps_pictures_and_one_that_should_takes_nobody() {
    let kept = Kept::new().await;
    let acme = tenant("acme");
    for keyless in [
        kept.fixture.store.clone(),
        configured(&kept.store, None, key("a")),
    ] {
        let new = NewWatchlist {
            keep_images: true,
            ..new_watchlist("another")
        };
        let mut transaction = keyless.begin(&acme).await.unwrap();
        let made = transaction.insert_watchlist(new).await;
        assert!(matches!(made, Err(StoreError::ImageKeyMissing)));
        let change = WatchlistChange {
            keep_images: Some(true),
            ..WatchlistChange::default()
        };
        let changed = transaction.update_watchlist(kept.list, change).await;
        assert!(matches!(changed, Err(StoreError::ImageKeyMissing)));
        let faces = [axis(0)];
        let made = transaction.insert_subject(kept.list, new_subject("s"), &faces);
        assert!(matches!(made.await, Err(StoreError::ImageKeyMissing)));
    }
}

#[tokio::test]
async fn no_other_tenant_reads_a_picture() {
    let kept = Kept::new().await;
    let face = kept.enrol("anna").await;
    assert_eq!(
        read(&kept.store, "globex", kept.list, face).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_picture_goes_with_its_face_its_person_their_time_an_erasure_and_its_list() {
    let kept = Kept::new().await;
    let acme = tenant("acme");
    let mut people = Vec::new();
    for name in ["face", "faces", "person", "time", "erasure", "list"] {
        people.push(kept.enrol(name).await);
    }
    let mut left = 6;
    assert_eq!(kept.count().await, left);
    for (step, (subject, face)) in people.into_iter().enumerate() {
        let mut transaction = kept.store.begin(&acme).await.unwrap();
        match step {
            0 => assert!(
                transaction
                    .delete_face(kept.list, subject, face)
                    .await
                    .unwrap()
            ),
            1 => assert_eq!(
                transaction.delete_faces(kept.list, subject).await.unwrap(),
                1
            ),
            2 => assert!(
                transaction
                    .delete_subject(kept.list, subject)
                    .await
                    .unwrap()
            ),
            3 => {
                let retention = likeness::domain::retention::Retention {
                    purge_expired_subjects_after_days: Some(0),
                    ..Default::default()
                };
                transaction.put_retention(retention).await.unwrap();
                let change = likeness::store::SubjectChange {
                    valid_until: Some(Some(OffsetDateTime::now_utc())),
                    ..Default::default()
                };
                transaction
                    .update_subject(kept.list, subject, change)
                    .await
                    .unwrap();
            }
            4 => {}
            _ => assert!(
                transaction
                    .delete_watchlist(kept.list)
                    .await
                    .unwrap()
                    .is_some()
            ),
        }
        transaction.commit().await.unwrap();
        match step {
            3 => sweep(&kept.store, 1).await,
            4 => drop(erased(&kept.store, "erasure").await),
            _ => {}
        }
        left -= 1;
        assert_eq!(kept.count().await, left, "{step}");
    }
}
