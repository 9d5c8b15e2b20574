//! Templates under a key: found like any others, strangers to each other across tenants, and moved to another key while
//! they are searched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use likeness::domain::face::Template;
use likeness::domain::ids::SubjectId;
use likeness::domain::job::{JobKind, JobState};
use likeness::lifecycle::Sweeper;
use likeness::store::{AuditFilter, Holder, Store, TemplateKey, TemplateKeys};
use time::{Duration, OffsetDateTime};

use crate::fixture::{
    DIMENSIONS, Fixture, MODEL, actor, axis, first_page, new_subject, search, tenant,
};
use crate::galleries::{Replicas, SETTINGS};
use crate::search::at_similarity;

fn key(name: &str) -> Option<TemplateKey> {
    Some(TemplateKey::new(format!("the secret of {name}").into()))
}

/// The same database through another configuration.
async fn configured(
    replicas: &Replicas,
    current: Option<TemplateKey>,
    before: Option<TemplateKey>,
) -> Store {
    let store = Store::connect(replicas.url(), 5).await.unwrap();
    let store = store
        .with_search(SETTINGS)
        .with_template_keys(TemplateKeys { current, before });
    store.register_model(MODEL, DIMENSIONS).await.unwrap();
    store
}

async fn enrol(store: &Store, replicas: &Replicas, name: &str, face: &Template) -> SubjectId {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let faces = std::slice::from_ref(face);
    let made = transaction
        .insert_subject(replicas.list, new_subject(name), faces)
        .await
        .unwrap();
    assert_eq!(made.faces[0].model_id, MODEL);
    transaction.commit().await.unwrap();
    made.id
}

/// Whom a face finds, by a single search, and by one for several faces.
async fn find(store: &Store, replicas: &Replicas, probe: &Template) -> Option<(SubjectId, f32)> {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let found = search(&mut transaction, replicas.list, probe, 0.5, 3).await;
    assert!(!found.has_others);
    let each = transaction
        .search_each(replicas.list, &[probe], |_| 0.5, 3)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((each.size, &each.nearest[0]), (found.size, &found.nearest));
    let nearest = found.nearest.first()?;
    Some((nearest.subject_id, nearest.similarity))
}

/// Lets the sweeper have a turn, so much later that it is due again.
async fn rekey(store: &Store, turn: u32) {
    let now = OffsetDateTime::now_utc() + turn * Duration::hours(1);
    Sweeper::new(store.clone()).sweep(now).await.unwrap();
}

/// How many faces are kept under each id.
async fn kept(replicas: &Replicas) -> Vec<(String, i64)> {
    sqlx::query_as("select model_id, count(*) from faces group by model_id order by model_id")
        .fetch_all(&mut replicas.owner().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn one_face_looks_like_two_strangers_in_the_tables_of_two_tenants() {
    let fixture = Fixture::new().await;
    let keys = TemplateKeys {
        current: key("a"),
        before: None,
    };
    let store = fixture.store.clone().with_template_keys(keys);
    store.register_model(MODEL, DIMENSIONS).await.unwrap();
    for name in ["acme", "globex"] {
        let list = fixture.watchlist(&tenant(name), "door").await.id;
        let mut transaction = store.begin(&tenant(name)).await.unwrap();
        for index in [3, 4] {
            let new = new_subject(&index.to_string());
            let faces = [axis(index)];
            transaction.insert_subject(list, new, &faces).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    let alike: Vec<(bool, f64)> = sqlx::query_as(
        "select a.tenant = b.tenant, -(a.template <#> b.template) from faces as a join faces as b on a.id < b.id",
    )
    .fetch_all(&mut fixture.owner().await)
    .await
    .unwrap();
    assert_eq!(alike.len(), 6);
    for (same_tenant, similarity) in alike {
        // Two axes have nothing in common, and that stays so within a tenant; across tenants it is chance.
        let most = if same_tenant { 1e-3 } else { 0.25 };
        assert!(similarity.abs() < most, "{same_tenant}: {similarity}");
    }
    let as_it_is: i64 = sqlx::query_scalar("select count(*) from faces where model_id = $1")
        .bind(MODEL)
        .fetch_one(&mut fixture.owner().await)
        .await
        .unwrap();
    assert_eq!(as_it_is, 0);
}

#[tokio::test]
async fn a_list_moves_from_key_to_key_and_finds_the_same_people() {
    let mut replicas = Replicas::new(300).await;
    let somebody = replicas.stranger();
    let probe = at_similarity(&mut rand::rng(), &somebody, 0.8);
    let plain = replicas.reader.clone();
    let subject = enrol(&plain, &replicas, "somebody", &somebody).await;
    replicas.take_in().await;
    let (_, expected) = find(&plain, &replicas, &probe).await.unwrap();

    let steps = [
        (key("a"), None),
        (key("b"), key("a")),
        // Back to ids that the database knows from before.
        (key("a"), key("b")),
        (None, key("a")),
    ];
    let mut stores = vec![plain];
    for (turn, (current, before)) in (1..).zip(steps) {
        let form = current
            .as_ref()
            .map_or(MODEL.to_owned(), |key| format!("{MODEL}~{}", key.id()));
        let store = configured(&replicas, current, before).await;
        let newcomer = replicas.stranger();
        let same = async |store: &Store, state: &str| {
            let (found, similarity) = find(store, &replicas, &probe).await.unwrap();
            assert_eq!(found, subject, "{turn} {state}");
            assert!((similarity - expected).abs() < 1e-3, "{turn} {state}");
        };
        same(&store, "before").await;
        // Whoever comes meanwhile is kept like the others, and found.
        let id = enrol(&store, &replicas, &format!("newcomer {turn}"), &newcomer).await;
        assert_eq!(kept(&replicas).await.len(), 1, "{turn}");
        assert_eq!(find(&store, &replicas, &newcomer).await.unwrap().0, id);

        rekey(&store, turn).await;
        let faces = 301 + i64::from(turn);
        assert_eq!(kept(&replicas).await, [(form.clone(), faces)]);
        same(&store, "after").await;
        // Searched through codes, from which the old ones are gone.
        let key = likeness::gallery::GalleryKey {
            model_id: form,
            ..replicas.key()
        };
        store.take_in(&key).await.unwrap();
        assert_eq!(store.galleries().keys(), [key]);
        same(&store, "through codes").await;
        assert_eq!(find(&store, &replicas, &newcomer).await.unwrap().0, id);

        // A replica that does not know the new key does not take the list for an empty one. One that knows it, and has codes
        // from when the list was under it before, goes by none of them.
        if turn == 3 {
            same(&stores[1], "with old codes").await;
            assert_eq!(find(&stores[1], &replicas, &newcomer).await.unwrap().0, id);
        } else {
            let mut transaction = stores[turn as usize - 1]
                .begin(&tenant("acme"))
                .await
                .unwrap();
            let found = search(&mut transaction, replicas.list, &probe, 0.5, 3).await;
            assert_eq!(found.has_others, turn < 3, "{turn}");
        }
        stores.push(store);
    }
    let mut transaction = stores[4].begin(&tenant("acme")).await.unwrap();
    let events = transaction
        .list_audit_events(&AuditFilter::default(), first_page(10))
        .await
        .unwrap();
    let faces = events.items.iter().map(|event| {
        assert_eq!(event.action, "watchlist.rekeyed");
        event.detail["faces"].as_i64().unwrap()
    });
    assert_eq!(faces.collect::<Vec<_>>(), [305, 304, 303, 302]);
    // Each rewriting was a job, which is over; it cannot be cancelled, and nobody claims it.
    let jobs = transaction.list_jobs(None, first_page(10)).await.unwrap();
    let done = jobs.items.iter().map(|job| {
        assert_eq!((job.kind, job.state), (JobKind::Rekey, JobState::Succeeded));
        assert_eq!((job.total, job.failed), (job.done, 0));
        job.done
    });
    assert_eq!(done.collect::<Vec<_>>(), [305, 304, 303, 302]);
    let begun = transaction
        .begin_rekeying(replicas.list, &actor("acme"))
        .await
        .unwrap();
    assert!(!transaction.cancel_job(begun).await.unwrap());
    let again = transaction
        .begin_rekeying(replicas.list, &actor("acme"))
        .await;
    assert_eq!(again.unwrap(), begun, "it goes on");
    transaction.commit().await.unwrap();
    let claimed = stores[4].claim_job(Holder::new(), Duration::SECOND.unsigned_abs());
    assert_eq!(claimed.await.unwrap(), None);
}

#[tokio::test]
async fn searches_find_everybody_while_a_list_is_rewritten() {
    let mut replicas = Replicas::new(1_000).await;
    let somebody = replicas.stranger();
    let subject = enrol(&replicas.reader, &replicas, "somebody", &somebody).await;
    let store = configured(&replicas, key("a"), None).await;
    let done = Arc::new(AtomicBool::new(false));
    let searching = {
        let (store, done, list) = (store.clone(), Arc::clone(&done), replicas.list);
        tokio::spawn(async move {
            let mut searches = 0;
            while !done.load(Ordering::Relaxed) || searches < 20 {
                let mut transaction = store.begin(&tenant("acme")).await.unwrap();
                let found = search(&mut transaction, list, &somebody, 0.5, 3).await;
                assert!(!found.has_others);
                assert_eq!(found.size, 1_001);
                assert_eq!(found.nearest[0].subject_id, subject);
                searches += 1;
            }
        })
    };
    rekey(&store, 1).await;
    done.store(true, Ordering::Relaxed);
    searching.await.unwrap();
    assert_eq!(kept(&replicas).await.len(), 1);
}
