//! What is refused: a switch of a list that is not ready, a second change, two models on one list.

use likeness::domain::ids::WatchlistId;
use likeness::domain::model_change::{ModelChangeState, SwitchMode};
use likeness::store::{ModelChangeRefusal, NewModelChange, NewSubject, StoreError, Switch};

use super::{Changing, NEW, all, models, to};
use crate::fixture::{DIMENSIONS, MODEL, actor, axis, first_page, new_face, tenant};

#[tokio::test]
async fn a_list_with_faces_that_lack_a_template_is_not_switched() {
    let mut changing = Changing::begun(5).await;
    changing.keep_images(&changing.people[..3]).await;
    assert_eq!(changing.fill(&changing.fixture.store).await, 3);
    let (list, change) = (changing.list, changing.change().await);
    assert_eq!(
        (change.faces, change.filled, change.images_missing),
        (5, 3, 2)
    );
    let mut transaction = changing.begin().await;
    assert!(!transaction.mark_ready(change.id).await.unwrap());
    let switch = transaction.switch_model(list).await.unwrap();
    assert_eq!(switch, Switch::MissingTemplates(2));
    transaction.commit().await.unwrap();
    assert_eq!(changing.models().await, models(MODEL, Some(NEW)));
    assert_eq!(changing.find_all(MODEL).await.unwrap().len(), 5);

    // Who has to be enrolled again, in pages, newest first.
    let mut transaction = changing.begin().await;
    let mut page = first_page(1);
    for person in [&changing.people[4], &changing.people[3]] {
        let found = transaction
            .subjects_to_enrol_again(list, page)
            .await
            .unwrap();
        let [found_one] = &found.items[..] else {
            panic!("one a page")
        };
        assert_eq!(found_one.subject_id, person.subject);
        assert_eq!(found_one.face_ids, [person.face]);
        page.after = found.next;
    }
    assert_eq!(page.after, None);
    for person in changing.people.drain(3..) {
        assert!(
            transaction
                .delete_subject(list, person.subject)
                .await
                .unwrap()
        );
    }
    assert!(transaction.mark_ready(change.id).await.unwrap());
    assert_eq!(
        transaction.switch_model(list).await.unwrap(),
        Switch::Done(3)
    );
    transaction.commit().await.unwrap();

    // The way back asks for as much.
    let mut transaction = changing.begin().await;
    let person = changing.enrol(&mut transaction, NEW).await;
    let back = transaction.roll_back_model_change(list).await.unwrap();
    assert_eq!(back, Switch::MissingTemplates(1));
    transaction.commit().await.unwrap();
    changing.people.push(person);
    assert_eq!(changing.find_all(NEW).await.unwrap().len(), 4);
    assert_eq!(changing.change().await.state, ModelChangeState::Switched);
}

#[tokio::test]
async fn a_list_has_one_open_change_and_none_to_the_model_that_it_is_in() {
    let changing = Changing::new(1).await;
    let actor = actor("acme");
    let mut transaction = changing.begin().await;
    let nowhere = WatchlistId::new();
    let same = NewModelChange {
        dimensions: DIMENSIONS,
        ..to(MODEL)
    };
    for (list, new, expected) in [
        (nowhere, &to(NEW), ModelChangeRefusal::NoSuchWatchlist),
        (changing.list, &same, ModelChangeRefusal::InThatModel),
    ] {
        let refused = transaction.start_model_change(list, new, &actor).await;
        assert_eq!(refused.unwrap(), Err(expected));
    }
    assert_eq!(
        transaction.find_model_change(changing.list).await.unwrap(),
        None
    );
    drop(transaction);

    let begun = changing.start().await;
    let mut transaction = changing.begin().await;
    let third = transaction
        .start_model_change(changing.list, &to("third"), &actor)
        .await;
    assert_eq!(
        third.unwrap(),
        Err(ModelChangeRefusal::AnotherIsOpen(Box::new(begun.clone())))
    );
    let automatic = NewModelChange {
        switch: SwitchMode::Automatic,
        ..to(NEW)
    };
    let again = transaction
        .start_model_change(changing.list, &automatic, &actor)
        .await;
    let again = again.unwrap().unwrap();
    assert_eq!((again.id, again.job_id), (begun.id, begun.job_id));
    assert_eq!(again.switch, SwitchMode::Automatic);
    let longer = NewModelChange {
        dimensions: 8,
        ..to("third")
    };
    transaction
        .cancel_model_change(changing.list)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    changing
        .fixture
        .store
        .register_model("third", 9)
        .await
        .unwrap();
    let mut transaction = changing.begin().await;
    let refused = transaction
        .start_model_change(changing.list, &longer, &actor)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn after_the_switch_the_same_change_is_not_begun_again() {
    let changing = Changing::switched(1).await;
    let mut transaction = changing.begin().await;
    for new in [to(NEW), to(MODEL)] {
        let again = transaction
            .start_model_change(changing.list, &new, &actor("acme"))
            .await;
        let Err(ModelChangeRefusal::AnotherIsOpen(open)) = again.unwrap() else {
            panic!("the change is open")
        };
        assert_eq!(open.state, ModelChangeState::Switched);
    }
}

#[tokio::test]
async fn a_list_without_faces_is_changed_at_once_and_remembers_it() {
    let mut changing = Changing::new(0).await;
    assert_eq!(changing.models().await.current, None);
    let change = changing.start().await;
    assert_eq!(
        (change.state, change.job_id),
        (ModelChangeState::Finished, None)
    );
    assert_eq!((change.from_model, change.faces), (None, 0));
    assert_eq!(changing.models().await, models(NEW, None));
    let mut transaction = changing.begin().await;
    let again = transaction
        .start_model_change(changing.list, &to(NEW), &actor("acme"))
        .await;
    assert_eq!(again.unwrap(), Err(ModelChangeRefusal::InThatModel));
    let made = transaction
        .insert_subject(changing.list, NewSubject::default(), &[axis(0)])
        .await;
    assert!(matches!(made, Err(StoreError::ModelChanged)), "{made:?}");
    drop(transaction);
    let mut transaction = changing.begin().await;
    let person = changing.enrol(&mut transaction, NEW).await;
    assert!(
        transaction
            .delete_subject(changing.list, person.subject)
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    let back = NewModelChange {
        dimensions: DIMENSIONS,
        ..to(MODEL)
    };
    let mut transaction = changing.begin().await;
    let change = transaction
        .start_model_change(changing.list, &back, &actor("acme"))
        .await;
    assert_eq!(change.unwrap().unwrap().from_model.as_deref(), Some(NEW));
}

#[tokio::test]
async fn of_two_first_faces_of_two_models_one_wins() {
    let mut changing = Changing::new(0).await;
    let store = changing.fixture.store.clone();
    store
        .register_model(NEW, super::NEW_DIMENSIONS)
        .await
        .unwrap();
    for round in 0..5 {
        let name = format!("list {round}");
        let list = changing.fixture.watchlist(&tenant("acme"), &name).await.id;
        let (old, new) = changing.stranger();
        let enrolments = [old, new].map(|template| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut transaction = store.begin(&tenant("acme")).await?;
                let new = NewSubject::default();
                transaction.insert_subject(list, new, &[template]).await?;
                transaction.commit().await
            })
        });
        let mut refused = 0;
        for enrolment in enrolments {
            match enrolment.await.unwrap() {
                Ok(()) => {}
                Err(StoreError::ModelChanged) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(refused, 1);
    }
}

#[tokio::test]
async fn a_list_that_is_mixed_from_before_is_not_changed() {
    let changing = Changing::new(2).await;
    changing
        .fixture
        .store
        .register_model("third", DIMENSIONS)
        .await
        .unwrap();
    sqlx::raw_sql(
        "insert into galleries (tenant, watchlist_id, model_id, revision, faces) \
         select tenant, watchlist_id, 'third', 1, 1 from galleries",
    )
    .execute(&mut changing.owner().await)
    .await
    .unwrap();
    let mut transaction = changing.begin().await;
    let refused = transaction
        .start_model_change(changing.list, &to(NEW), &actor("acme"))
        .await;
    assert_eq!(refused.unwrap(), Err(ModelChangeRefusal::Mixed));
}

#[tokio::test]
async fn another_tenant_neither_sees_nor_moves_a_change() {
    let changing = Changing::filled(2).await;
    let (list, person) = (changing.list, &changing.people[0]);
    let mut other = changing
        .fixture
        .store
        .begin(&tenant("other"))
        .await
        .unwrap();
    assert_eq!(other.find_model_change(list).await.unwrap(), None);
    assert!(other.list_models(&[list]).await.unwrap().is_empty());
    assert_eq!(other.search_spare(list, &person.new, 3).await.unwrap(), []);
    assert!(!other.has_spare(list, person.subject).await.unwrap());
    assert!(!other.mark_ready(changing.change().await.id).await.unwrap());
    assert_eq!(other.switch_model(list).await.unwrap(), Switch::NotOpen);
    assert_eq!(
        other.roll_back_model_change(list).await.unwrap(),
        Switch::NotOpen
    );
    assert!(!other.cancel_model_change(list).await.unwrap());
    let begun = other
        .start_model_change(list, &to(NEW), &actor("other"))
        .await;
    assert_eq!(begun.unwrap(), Err(ModelChangeRefusal::NoSuchWatchlist));
    let spare = [(person.subject, person.face, &person.new)];
    assert_eq!(other.insert_spare_templates(list, &spare).await.unwrap(), 0);
    other.commit().await.unwrap();
    assert_eq!(changing.kept().await, [all(MODEL, 2), all(NEW, 2)]);
}

#[tokio::test]
async fn a_template_of_a_model_that_the_list_has_left_is_refused() {
    let mut changing = Changing::switched(2).await;
    let (old, _) = changing.stranger();
    let mut transaction = changing.begin().await;
    let subject = changing.people[0].subject;
    let refused = transaction
        .insert_face(changing.list, new_face(subject, &old))
        .await;
    assert!(
        matches!(refused, Err(StoreError::ModelChanged)),
        "{refused:?}"
    );
    drop(transaction);
    // Nor when nobody is on it.
    let mut transaction = changing.begin().await;
    for person in &changing.people {
        assert!(
            transaction
                .delete_subject(changing.list, person.subject)
                .await
                .unwrap()
        );
    }
    transaction.commit().await.unwrap();
    assert_eq!(changing.models().await, models(NEW, Some(MODEL)));
    let mut transaction = changing.begin().await;
    let new = NewSubject::default();
    let refused = transaction.insert_subject(changing.list, new, &[old]).await;
    assert!(
        matches!(refused, Err(StoreError::ModelChanged)),
        "{refused:?}"
    );
}
