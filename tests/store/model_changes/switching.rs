//! The way of a list into another model and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use likeness::domain::face::Template;
use likeness::domain::ids::WatchlistId;
use likeness::domain::model_change::ModelChangeState;
use likeness::store::{Store, SubjectChange, Switch};
use time::{Duration, OffsetDateTime};

use super::{Changing, NEW, all, models};
use crate::fixture::{MODEL, search, tenant};

#[tokio::test]
async fn a_list_gets_both_templates_is_switched_and_comes_back_as_it_was() {
    let mut changing = Changing::new(5).await;
    let list = changing.list;
    let before = changing.find_all(MODEL).await.unwrap();
    let change = changing.start().await;
    assert_eq!(change.state, ModelChangeState::Filling);
    assert_eq!(
        (change.faces, change.filled, change.images_missing),
        (5, 0, 5)
    );
    assert_eq!(changing.models().await, models(MODEL, Some(NEW)));

    // Dual-write: whoever comes meanwhile has both at once.
    let mut transaction = changing.begin().await;
    let person = changing.enrol(&mut transaction, MODEL).await;
    let spare = [
        (person.subject, person.face, &person.new),
        // Not wanted.
        (person.subject, person.face, &person.old),
    ];
    assert!(!transaction.has_spare(list, person.subject).await.unwrap());
    for kept in [1, 0] {
        let inserted = transaction.insert_spare_templates(list, &spare).await;
        assert_eq!(inserted.unwrap(), kept);
    }
    assert!(transaction.has_spare(list, person.subject).await.unwrap());
    assert!(!transaction.mark_ready(change.id).await.unwrap());
    transaction.commit().await.unwrap();
    changing.keep_images(&changing.people).await;
    changing.people.push(person);
    let seen = changing.change().await;
    assert_eq!((seen.faces, seen.filled, seen.images_missing), (6, 1, 0));
    assert_eq!(changing.fill(&changing.fixture.store).await, 5);

    let mut transaction = changing.begin().await;
    assert!(transaction.mark_ready(change.id).await.unwrap());
    assert!(!transaction.mark_ready(change.id).await.unwrap());
    for (agreed, person) in [true, false, true].into_iter().zip(&changing.people) {
        let found = transaction
            .search_spare(list, &person.new, 2)
            .await
            .unwrap();
        assert_eq!((found.len(), found[0].subject_id), (2, person.subject));
        assert!(found[0].similarity > 0.999 && found[1].similarity < 0.5);
        transaction.count_shadow_search(list, agreed).await.unwrap();
    }
    let probe = &changing.people[0].old;
    assert_eq!(transaction.search_spare(list, probe, 2).await.unwrap(), []);
    transaction.commit().await.unwrap();
    assert_eq!(changing.find_all(MODEL).await.unwrap()[..5], before);
    assert_eq!(changing.find_all(NEW).await, None);

    let mut transaction = changing.begin().await;
    assert_eq!(
        transaction.switch_model(list).await.unwrap(),
        Switch::Done(6)
    );
    assert_eq!(
        transaction.switch_model(list).await.unwrap(),
        Switch::NotOpen
    );
    transaction.commit().await.unwrap();
    assert_eq!(changing.models().await, models(NEW, Some(MODEL)));
    assert_eq!(changing.kept().await, [all(NEW, 6), all(MODEL, 6)]);
    assert_eq!(changing.find_all(MODEL).await, None);
    assert_eq!(changing.find_all(NEW).await.unwrap().len(), 6);
    let seen = changing.change().await;
    assert_eq!(seen.state, ModelChangeState::Switched);
    assert_eq!((seen.searches, seen.agreed), (3, 2));
    assert_eq!((seen.filled, seen.switched_at.is_some()), (6, true));

    // From here on it is the old model's template that comes along.
    let mut transaction = changing.begin().await;
    let person = changing.enrol(&mut transaction, NEW).await;
    let spare = [
        (person.subject, person.face, &person.new),
        (person.subject, person.face, &person.old),
    ];
    let inserted = transaction.insert_spare_templates(list, &spare).await;
    assert_eq!(inserted.unwrap(), 1);
    transaction.commit().await.unwrap();
    changing.people.push(person);
    assert_eq!(changing.find_all(NEW).await.unwrap().len(), 7);

    let mut transaction = changing.begin().await;
    let back = transaction.roll_back_model_change(list).await.unwrap();
    assert_eq!(back, Switch::Done(7));
    transaction.commit().await.unwrap();
    assert_eq!(changing.models().await, models(MODEL, None));
    assert_eq!(changing.kept().await, [all(MODEL, 7), vec![]]);
    // To the last bit.
    assert_eq!(changing.find_all(MODEL).await.unwrap()[..5], before);
    let seen = changing.change().await;
    assert_eq!(seen.state, ModelChangeState::RolledBack);
    assert_eq!(
        (seen.faces, seen.filled, seen.ended_at.is_some()),
        (7, 0, true)
    );
    // And once more.
    assert_ne!(changing.start().await.id, change.id);
}

#[tokio::test]
async fn a_change_that_is_finished_leaves_one_template_a_face() {
    let changing = Changing::switched(3).await;
    let mut transaction = changing.begin().await;
    assert!(
        !transaction
            .cancel_model_change(changing.list)
            .await
            .unwrap()
    );
    assert!(
        transaction
            .finish_model_change(changing.list)
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .finish_model_change(changing.list)
            .await
            .unwrap()
    );
    let back = transaction.roll_back_model_change(changing.list).await;
    assert_eq!(back.unwrap(), Switch::NotOpen);
    transaction.commit().await.unwrap();
    assert_eq!(changing.kept().await, [all(NEW, 3), vec![]]);
    assert_eq!(changing.models().await, models(NEW, None));
    assert_eq!(changing.change().await.state, ModelChangeState::Finished);
    assert_eq!(changing.find_all(NEW).await.unwrap().len(), 3);
    // The pictures have stayed where they were.
    let images: i64 = sqlx::query_scalar("select count(*) from face_images")
        .fetch_one(&mut changing.owner().await)
        .await
        .unwrap();
    assert_eq!(images, 3);
}

#[tokio::test]
async fn before_the_switch_a_change_ends_without_a_trace() {
    for state in [ModelChangeState::RolledBack, ModelChangeState::Cancelled] {
        let changing = Changing::filled(3).await;
        let mut transaction = changing.begin().await;
        assert!(
            !transaction
                .finish_model_change(changing.list)
                .await
                .unwrap()
        );
        if state == ModelChangeState::Cancelled {
            assert!(
                transaction
                    .cancel_model_change(changing.list)
                    .await
                    .unwrap()
            );
        } else {
            let back = transaction.roll_back_model_change(changing.list).await;
            assert_eq!(back.unwrap(), Switch::Done(0));
        }
        transaction.commit().await.unwrap();
        assert_eq!(changing.change().await.state, state);
        assert_eq!(changing.kept().await, [all(MODEL, 3), vec![]]);
        assert_eq!(changing.models().await, models(MODEL, None));
        assert_eq!(changing.find_all(MODEL).await.unwrap().len(), 3);
        // What the job still had in hand is not kept.
        let person = &changing.people[0];
        let mut transaction = changing.begin().await;
        let late = [(person.subject, person.face, &person.new)];
        let kept = transaction
            .insert_spare_templates(changing.list, &late)
            .await;
        assert_eq!(kept.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_is_deleted_during_a_change_is_gone_from_both_models() {
    let mut changing = Changing::filled(6).await;
    let list = changing.list;
    let [face, subject, ..] = &changing.people[..] else {
        panic!("there are six")
    };
    let mut transaction = changing.begin().await;
    assert!(
        transaction
            .delete_face(list, face.subject, face.face)
            .await
            .unwrap()
    );
    assert!(
        transaction
            .delete_subject(list, subject.subject)
            .await
            .unwrap()
    );
    // What was made of it meanwhile finds no face any more.
    let late = [(face.subject, face.face, &face.new)];
    assert_eq!(
        transaction
            .insert_spare_templates(list, &late)
            .await
            .unwrap(),
        0
    );
    for person in [face, subject] {
        let found = transaction
            .search_spare(list, &person.new, 1)
            .await
            .unwrap();
        assert!(found[0].similarity < 0.5);
    }
    transaction.commit().await.unwrap();
    changing.people.drain(..2);
    assert_eq!(changing.kept().await, [all(MODEL, 4), all(NEW, 4)]);
    let mut transaction = changing.begin().await;
    assert_eq!(
        transaction.switch_model(list).await.unwrap(),
        Switch::Done(4)
    );
    let gone = changing.people.pop().unwrap();
    assert!(
        transaction
            .delete_subject(list, gone.subject)
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    assert_eq!(changing.find_all(NEW).await.unwrap().len(), 3);
    assert_eq!(changing.kept().await, [all(NEW, 3), all(MODEL, 3)]);
    let mut transaction = changing.begin().await;
    let back = transaction.roll_back_model_change(list).await.unwrap();
    assert_eq!(back, Switch::Done(3));
    assert_eq!(transaction.delete_watchlist(list).await.unwrap(), Some(3));
    transaction.commit().await.unwrap();
    assert_eq!(changing.kept().await, [vec![], vec![]]);
}

#[tokio::test]
async fn whose_time_is_over_is_not_found_by_the_other_model_either() {
    let changing = Changing::filled(2).await;
    let person = &changing.people[0];
    let mut transaction = changing.begin().await;
    let over = SubjectChange {
        valid_until: Some(Some(OffsetDateTime::now_utc() - Duration::SECOND)),
        ..SubjectChange::default()
    };
    let changed = transaction.update_subject(changing.list, person.subject, over);
    assert!(changed.await.unwrap());
    transaction.commit().await.unwrap();
    let mut transaction = changing.begin().await;
    let found = transaction
        .search_spare(changing.list, &person.new, 5)
        .await;
    let found: Vec<_> = found.unwrap().iter().map(|near| near.subject_id).collect();
    assert_eq!(found, [changing.people[1].subject]);
    // They are switched with the others all the same.
    let switch = transaction.switch_model(changing.list).await.unwrap();
    assert_eq!(switch, Switch::Done(2));
}

/// Searches until it is told to stop: each answer finds whom it should, or says that the list is in another model.
async fn keep_searching(
    store: Store,
    list: WatchlistId,
    probe: Template,
    (size, done): (u64, Arc<AtomicBool>),
    answers: Arc<[AtomicU32; 2]>,
) {
    while !done.load(Ordering::Relaxed) {
        let mut transaction = store.begin(&tenant("acme")).await.unwrap();
        let found = search(&mut transaction, list, &probe, 0.9, 3).await;
        let expected = if found.has_others { (0, 0) } else { (size, 1) };
        assert_eq!((found.size, found.nearest.len()), expected);
        answers[usize::from(found.has_others)].fetch_add(1, Ordering::Relaxed);
        let models = transaction.list_models(&[list]).await.unwrap();
        assert!(models[&list].current.is_some());
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "how long it takes is of interest")]
async fn searches_find_everybody_while_a_large_list_is_switched_and_back() {
    let size = 3_000;
    let changing = Changing::filled(size).await;
    let done = Arc::new(AtomicBool::new(false));
    let person = changing.people[1_234].clone();
    let searchers = [person.old.clone(), person.new.clone()].map(|probe| {
        let answers: Arc<[AtomicU32; 2]> = Arc::default();
        let search = keep_searching(
            changing.fixture.store.clone(),
            changing.list,
            probe,
            (size as u64, Arc::clone(&done)),
            Arc::clone(&answers),
        );
        (tokio::spawn(search), answers)
    });
    // What the next answers of both say: whether the list is in another model than theirs.
    let next_answers = async |others: [bool; 2]| {
        for ((searcher, answers), others) in searchers.iter().zip(others) {
            let count = || answers[usize::from(others)].load(Ordering::Relaxed);
            let before = count();
            while count() < before + 3 {
                assert!(!searcher.is_finished(), "a search failed");
                tokio::task::yield_now().await;
            }
        }
    };
    next_answers([false, true]).await;
    for back in [false, true] {
        let begun = Instant::now();
        let mut transaction = changing.begin().await;
        let switch = if back {
            transaction.roll_back_model_change(changing.list).await
        } else {
            transaction.switch_model(changing.list).await
        };
        assert_eq!(switch.unwrap(), Switch::Done(size as u64));
        transaction.commit().await.unwrap();
        println!("{size} faces, back: {back}, in {:?}", begun.elapsed());
        next_answers([!back, back]).await;
    }
    done.store(true, Ordering::Relaxed);
    for (searcher, _) in searchers {
        searcher.await.unwrap();
    }
    assert_eq!(changing.kept().await, [all(MODEL, 3_000), vec![]]);
}
