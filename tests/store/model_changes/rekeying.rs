//! A key for templates that comes or changes while the model of a list is being changed.

use likeness::domain::watchlist::Nearest;
use likeness::lifecycle::Sweeper;
use likeness::store::{Store, Switch, TemplateKey, TemplateKeys};
use time::{Duration, OffsetDateTime};

use super::{Changing, NEW, NEW_DIMENSIONS, all, models};
use crate::fixture::{DIMENSIONS, MODEL, new_face, search, tenant};

fn key(name: &str) -> Option<TemplateKey> {
    Some(TemplateKey::new(format!("the secret of {name}").into()))
}

fn kept_as(model: &str, key: &Option<TemplateKey>) -> String {
    let key = key.as_ref();
    key.map_or(model.to_owned(), |key| format!("{model}~{}", key.id()))
}

/// The same database through another configuration.
async fn configured(
    changing: &Changing,
    current: Option<TemplateKey>,
    before: Option<TemplateKey>,
) -> Store {
    let keys = TemplateKeys { current, before };
    let store = changing.fixture.store.clone().with_template_keys(keys);
    store.register_model(MODEL, DIMENSIONS).await.unwrap();
    store.register_model(NEW, NEW_DIMENSIONS).await.unwrap();
    store
}

/// Whom everybody's template of the list's model finds, and whom the spare ones do.
async fn find_all(changing: &Changing, store: &Store, switched: bool) -> Vec<Nearest> {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let mut all = Vec::new();
    for person in &changing.people {
        let (probe, spare) = if switched {
            (&person.new, &person.old)
        } else {
            (&person.old, &person.new)
        };
        let found = search(&mut transaction, changing.list, probe, 0.9, 3).await;
        assert_eq!((found.has_others, found.nearest.len()), (false, 1));
        assert_eq!(found.nearest[0].subject_id, person.subject);
        let found = transaction.search_spare(changing.list, spare, 1).await;
        all.extend(found.unwrap());
        assert_eq!(all.last().unwrap().subject_id, person.subject);
        assert!(all.last().unwrap().similarity > 0.999);
    }
    all
}

async fn switch(changing: &Changing, store: &Store, back: bool) {
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let switched = if back {
        transaction.roll_back_model_change(changing.list).await
    } else {
        transaction.switch_model(changing.list).await
    };
    assert_eq!(
        switched.unwrap(),
        Switch::Done(changing.people.len() as u64)
    );
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn both_templates_get_under_a_new_key_before_the_switch_and_after_it() {
    let changing = Changing::filled(4).await;
    let steps = [
        (key("a"), None, false),
        (key("b"), key("a"), false),
        (key("c"), key("b"), true),
        (None, key("c"), true),
    ];
    for (turn, (current, before, switched)) in (1..).zip(steps) {
        let store = configured(&changing, current.clone(), before).await;
        if turn == 3 {
            switch(&changing, &store, false).await;
            assert_eq!(changing.models().await, models(NEW, Some(MODEL)));
        }
        find_all(&changing, &store, switched).await;
        let now = OffsetDateTime::now_utc() + turn * Duration::hours(1);
        Sweeper::new(store.clone()).sweep(now).await.unwrap();
        let (list, spare) = if switched { (NEW, MODEL) } else { (MODEL, NEW) };
        let ids = [list, spare].map(|model| all(&kept_as(model, &current), 4));
        assert_eq!(changing.kept().await, ids, "{turn}");
        find_all(&changing, &store, switched).await;
    }
    let store = configured(&changing, None, None).await;
    switch(&changing, &store, true).await;
    assert_eq!(changing.kept().await, [all(MODEL, 4), vec![]]);
    assert_eq!(changing.find_all(MODEL).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_list_of_which_only_spare_templates_are_of_an_old_key_is_found() {
    let changing = Changing::filled(3).await;
    let store = configured(&changing, key("a"), None).await;
    // A list that is rewritten but for its spare templates, as if those had come from a replica that did not know the key.
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    assert_eq!(transaction.rekey_list(changing.list).await.unwrap(), 3);
    transaction.commit().await.unwrap();
    let plain = configured(&changing, None, key("a")).await;
    let mut transaction = plain.begin(&tenant("acme")).await.unwrap();
    let person = &changing.people[0];
    assert!(
        transaction
            .delete_face(changing.list, person.subject, person.face)
            .await
            .unwrap()
    );
    let face = transaction
        .insert_face(changing.list, new_face(person.subject, &person.old))
        .await
        .unwrap();
    let spare = [(person.subject, face.id, &person.new)];
    assert_eq!(
        transaction
            .insert_spare_templates(changing.list, &spare)
            .await
            .unwrap(),
        1
    );
    transaction.commit().await.unwrap();
    let key_a = key("a");
    let mut mixed = all(NEW, 1);
    mixed.extend(all(&kept_as(NEW, &key_a), 2));
    assert_eq!(
        changing.kept().await,
        [all(&kept_as(MODEL, &key_a), 3), mixed]
    );
    find_all(&changing, &store, false).await;

    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let found = transaction.find_list_to_rekey().await.unwrap();
    assert_eq!(found, Some(changing.list));
    assert_eq!(transaction.rekey_list(changing.list).await.unwrap(), 1);
    assert_eq!(transaction.find_list_to_rekey().await.unwrap(), None);
    transaction.commit().await.unwrap();
    let expected = [MODEL, NEW].map(|model| all(&kept_as(model, &key_a), 3));
    assert_eq!(changing.kept().await, expected);
}

#[tokio::test]
async fn a_switch_brings_spare_templates_of_several_forms_into_one() {
    let changing = Changing::begun(4).await;
    changing.keep_images(&changing.people[..2]).await;
    changing.fill(&changing.fixture.store).await;
    let store = configured(&changing, key("a"), None).await;
    changing.keep_images(&changing.people[2..]).await;
    changing.fill(&store).await;
    let key_a = key("a");
    let new = kept_as(NEW, &key_a);
    assert_eq!(changing.kept().await[1].len(), 2);
    find_all(&changing, &store, false).await;
    switch(&changing, &store, false).await;
    assert_eq!(changing.kept().await, [all(&new, 4), all(MODEL, 4)]);
    find_all(&changing, &store, true).await;
    switch(&changing, &store, true).await;
    assert_eq!(
        changing.kept().await,
        [all(&kept_as(MODEL, &key_a), 4), vec![]]
    );
}

#[tokio::test]
async fn a_spare_template_of_an_unknown_key_is_not_taken_for_one_of_the_model() {
    let changing = Changing::begun(2).await;
    let store = configured(&changing, key("a"), None).await;
    changing.keep_images(&changing.people).await;
    changing.fill(&store).await;
    let mut transaction = changing.begin().await;
    let switch = transaction.switch_model(changing.list).await;
    let Err(likeness::store::StoreError::Corrupt(_)) = switch else {
        panic!("{switch:?}")
    };
    drop(transaction);
    assert_eq!(changing.find_all(MODEL).await.unwrap().len(), 2);
    let expected = [all(MODEL, 2), all(&kept_as(NEW, &key("a")), 2)];
    assert_eq!(changing.kept().await, expected);
}
