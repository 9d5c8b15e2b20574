//! What opens a kept picture and what does not, and how pictures get under another key.

use likeness::domain::ids::FaceId;
use likeness::store::{AuditFilter, StoreError, SubjectFilter};
use sqlx::AssertSqlSafe;

use super::{Kept, configured, enrol, keeping, key, picture, read, sweep};
use crate::fixture::{first_page, tenant};

fn is_refused<T>(read: &Result<T, StoreError>) -> bool {
    matches!(read, Err(StoreError::Corrupt(_)))
}

/// Something that only the owner of the tables can do.
async fn tamper(kept: &Kept, statement: &'static str, faces: &[FaceId]) {
    let faces: Vec<_> = faces.iter().map(|face| face.as_uuid()).collect();
    let done = sqlx::query(AssertSqlSafe(statement))
        .bind(faces)
        .execute(&mut kept.fixture.owner().await)
        .await
        .unwrap();
    assert!(done.rows_affected() > 0);
}

/// The ids of the keys that pictures are under, and of how many each.
async fn keys(kept: &Kept) -> Vec<(String, i64)> {
    sqlx::query_as("select key_id, count(*) from face_images group by key_id order by count(*)")
        .fetch_all(&mut kept.fixture.owner().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_moved_swapped_or_altered_in_the_database_is_an_error_and_not_a_missing_picture() {
    let kept = Kept::new().await;
    let mut faces = Vec::new();
    for name in ["swapped", "for", "altered", "untouched"] {
        faces.push(kept.enrol(name).await);
    }
    let foreign = keeping(&kept.store, "globex", "door").await;
    let stolen = enrol(&kept.store, "globex", foreign, "stolen").await;
    tamper(
        &kept,
        "update face_images set nonce = other.nonce, image = other.image from face_images as other \
         where face_images.face_id = any($1) and other.face_id = any($1) and face_images.face_id <> other.face_id",
        &[faces[0].1, faces[1].1],
    )
    .await;
    tamper(
        &kept,
        "update face_images set image = set_byte(image, 5, get_byte(image, 5) # 1) where face_id = any($1)",
        &[faces[2].1],
    )
    .await;
    // A picture of one tenant is given to a face of another.
    tamper(
        &kept,
        "update face_images set nonce = own.nonce, image = own.image from face_images as own \
         where face_images.tenant = 'globex' and own.face_id = any($1)",
        &[faces[3].1],
    )
    .await;
    for face in &faces[..3] {
        assert!(is_refused(
            &read(&kept.store, "acme", kept.list, *face).await
        ));
    }
    assert!(is_refused(
        &read(&kept.store, "globex", foreign, stolen).await
    ));
    let mut transaction = kept.store.begin(&tenant("acme")).await.unwrap();
    assert!(is_refused(
        &transaction.face_images(kept.list, &faces).await
    ));
    let untouched = read(&kept.store, "acme", kept.list, faces[3]).await;
    assert_eq!(untouched.unwrap(), Some(picture("untouched")));
}

#[tokio::test]
async fn a_key_that_is_not_configured_is_an_error_and_not_a_missing_picture() {
    let kept = Kept::new().await;
    let face = kept.enrol("anna").await;
    for (current, before, opens) in [
        (key("b"), None, false),
        (None, None, false),
        (key("b"), key("a"), true),
        (None, key("a"), true),
    ] {
        let store = configured(&kept.store, current, before);
        let image = read(&store, "acme", kept.list, face).await;
        assert_eq!(image.is_ok(), opens);
        assert!(opens || is_refused(&image));
    }
}

#[tokio::test]
async fn pictures_move_to_another_key_and_one_that_does_not_open_keeps_none_of_the_others() {
    let kept = Kept::new().await;
    let mut faces = Vec::new();
    for number in 0..20 {
        faces.push((kept.enrol(&number.to_string()).await, number.to_string()));
    }
    let foreign = keeping(&kept.store, "globex", "door").await;
    let theirs = enrol(&kept.store, "globex", foreign, "theirs").await;
    let ((subject, spoilt), _) = faces.remove(3);
    tamper(
        &kept,
        "update face_images set nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1) where face_id = any($1)",
        &[spoilt],
    )
    .await;
    let store = configured(&kept.store, key("b"), key("a"));
    sweep(&store, 1).await;
    let ids = [key("a"), key("b")].map(|key| key.unwrap().id().to_owned());
    assert_eq!(
        keys(&kept).await,
        [(ids[0].clone(), 1), (ids[1].clone(), 20)]
    );
    let renewed = configured(&kept.store, key("b"), None);
    for (face, name) in faces {
        let image = read(&renewed, "acme", kept.list, face).await.unwrap();
        assert_eq!(image, Some(picture(&name)));
    }
    assert!(
        read(&renewed, "globex", foreign, theirs)
            .await
            .unwrap()
            .is_some()
    );
    assert!(is_refused(
        &read(&store, "acme", kept.list, (subject, spoilt)).await
    ));

    // There is nothing more to do, and nothing more is told.
    sweep(&store, 2).await;
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let events = transaction
        .list_audit_events(&AuditFilter::default(), first_page(10))
        .await
        .unwrap();
    let [event] = &events.items[..] else {
        panic!("{:?}", events.items)
    };
    assert_eq!(event.action, "images.reencrypted");
    let detail = serde_json::json!({"images": 19, "unreadable": 1});
    assert_eq!(event.detail, detail);
}

#[tokio::test]
async fn people_come_and_go_while_pictures_move_to_another_key() {
    let kept = Kept::new().await;
    for number in 0..30 {
        kept.enrol(&format!("early {number}")).await;
    }
    let store = configured(&kept.store, key("b"), key("a"));
    // Some by a replica that has the old key alone, and every other one leaves at once.
    let coming = async {
        for number in 0..40 {
            let by = [&kept.store, &store][number % 2];
            let (subject, _) = enrol(by, "acme", kept.list, &format!("late {number}")).await;
            if number % 4 < 2 {
                let mut transaction = store.begin(&tenant("acme")).await.unwrap();
                let gone = transaction.delete_subject(kept.list, subject).await;
                assert!(gone.unwrap());
                transaction.commit().await.unwrap();
            }
        }
    };
    let moving = async {
        for turn in 1..6 {
            sweep(&store, turn).await;
        }
    };
    tokio::join!(coming, moving);
    sweep(&store, 6).await;
    let id = key("b").unwrap().id().to_owned();
    assert_eq!(keys(&kept).await, [(id, 50)]);
    let renewed = configured(&kept.store, key("b"), None);
    let mut transaction = renewed.begin(&tenant("acme")).await.unwrap();
    let filter = SubjectFilter::default();
    let people = transaction.list_subjects(kept.list, &filter, first_page(100));
    let people = people.await.unwrap().items;
    let faces: Vec<_> = people.iter().map(|one| (one.id, one.faces[0].id)).collect();
    let images = transaction.face_images(kept.list, &faces).await.unwrap();
    for person in &people {
        let key = person.external_id.as_deref().unwrap();
        assert_eq!(images[&person.faces[0].id], picture(key));
    }
}
