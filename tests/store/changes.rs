//! People and lists that change: by key, by field, and two at a time.

use likeness::domain::duplicate::OnDuplicate;
use likeness::domain::ids::{SubjectId, WatchlistId};
use likeness::domain::watchlist::WatchlistKind;
use likeness::store::{
    NewSubject, StoreError, SubjectChange, SubjectFilter, WatchlistChange, WatchlistFilter,
};
use sqlx::AssertSqlSafe;
use time::macros::datetime;

use crate::fixture::{
    Fixture, axis, consent, first_page, new_face, new_subject, new_watchlist, of_key, tenant,
};

#[tokio::test]
async fn a_person_is_put_once_and_replaced_from_then_on() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let named = NewSubject {
        display_name: Some("Ada".to_owned()),
        metadata: [("a".to_owned(), 1.into())].into_iter().collect(),
        valid_until: Some(datetime!(2999-01-01 0:00 UTC)),
        ..new_subject("key")
    };
    let (id, is_new) = transaction.put_subject(list, named.clone()).await.unwrap();
    assert!(is_new);
    transaction
        .insert_face(list, new_face(id, &axis(0)))
        .await
        .unwrap();
    let made = transaction.find_subject(list, id).await.unwrap().unwrap();
    assert_eq!(
        (&made.display_name, &made.metadata, &made.valid_until),
        (&named.display_name, &named.metadata, &named.valid_until)
    );
    assert_eq!(
        transaction
            .put_subject(list, new_subject("key"))
            .await
            .unwrap(),
        (id, false)
    );
    let replaced = transaction.find_subject(list, id).await.unwrap().unwrap();
    assert_eq!((replaced.display_name, replaced.metadata.len()), (None, 0));
    assert_eq!(
        (replaced.valid_until, replaced.created_at, replaced.faces),
        (None, made.created_at, made.faces)
    );
    let error = transaction
        .put_subject(WatchlistId::new(), new_subject("key"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::MissingReference { constraint } if constraint == "subjects_watchlist_fkey"),
        "{error:?}"
    );
}

#[tokio::test]
async fn of_two_transactions_that_put_one_key_the_second_replaces_what_the_first_made() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut first = fixture.store.begin(&acme).await.unwrap();
    let (made, _) = first.put_subject(list, new_subject("key")).await.unwrap();
    let mut second = fixture.store.begin(&acme).await.unwrap();
    let put = tokio::spawn(async move {
        let put = second.put_subject(list, new_subject("key")).await;
        second.commit().await.unwrap();
        put
    });
    let mut owner = fixture.owner().await;
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&mut owner)
        .await
        .unwrap()
        == 0
    {
        assert!(!put.is_finished());
    }
    first.commit().await.unwrap();
    assert_eq!(put.await.unwrap().unwrap(), (made, false));
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let page = transaction
        .list_subjects(list, &SubjectFilter::default(), first_page(9))
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn a_change_of_a_person_touches_the_named_fields_of_that_person_only() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let new = |key: &str| NewSubject {
        display_name: Some("Ada".to_owned()),
        valid_until: Some(datetime!(2999-01-01 0:00 UTC)),
        ..new_subject(key)
    };
    let beside = transaction
        .insert_subject(list, new("beside"), &[axis(1)])
        .await
        .unwrap();
    let mut expected = transaction
        .insert_subject(list, new("key"), &[axis(0)])
        .await
        .unwrap();
    let id = expected.id;
    let changes = [
        SubjectChange::default(),
        SubjectChange {
            external_id: Some(Some("other".to_owned())),
            ..SubjectChange::default()
        },
        SubjectChange {
            display_name: Some(None),
            metadata: Some([("a".to_owned(), 1.into())].into_iter().collect()),
            ..SubjectChange::default()
        },
        SubjectChange {
            consent: Some(Some(consent("c-2"))),
            ..SubjectChange::default()
        },
        SubjectChange {
            consent: Some(None),
            external_id: Some(None),
            valid_until: Some(None),
            ..SubjectChange::default()
        },
    ];
    for change in changes {
        if let Some(consent) = &change.consent {
            expected.consent.clone_from(consent);
        }
        if let Some(external_id) = &change.external_id {
            expected.external_id.clone_from(external_id);
        }
        if let Some(display_name) = &change.display_name {
            expected.display_name.clone_from(display_name);
        }
        if let Some(metadata) = &change.metadata {
            expected.metadata.clone_from(metadata);
        }
        if let Some(valid_until) = change.valid_until {
            expected.valid_until = valid_until;
        }
        assert!(transaction.update_subject(list, id, change).await.unwrap());
        let changed = transaction.find_subject(list, id).await.unwrap();
        assert_eq!(changed.as_ref(), Some(&expected));
    }
    assert_eq!(
        transaction.find_subject(list, beside.id).await.unwrap(),
        Some(beside)
    );
    let change = SubjectChange::default();
    assert!(
        !transaction
            .update_subject(list, SubjectId::new(), change)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_change_of_a_list_touches_the_named_fields_only() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let mut expected = transaction
        .insert_watchlist(new_watchlist("door"))
        .await
        .unwrap();
    let id = expected.id;
    let one = WatchlistChange {
        kind: Some(WatchlistKind::Allow),
        on_duplicate: Some(OnDuplicate::Reject),
        ..WatchlistChange::default()
    };
    assert!(transaction.update_watchlist(id, one).await.unwrap());
    expected.kind = WatchlistKind::Allow;
    expected.on_duplicate = OnDuplicate::Reject;
    let changed = transaction.find_watchlist(id).await.unwrap();
    assert_eq!(changed.as_ref(), Some(&expected));
    let other = WatchlistChange {
        name: Some("gate".to_owned()),
        target_fpir: Some(0.5),
        ..WatchlistChange::default()
    };
    assert!(transaction.update_watchlist(id, other).await.unwrap());
    expected.name = "gate".to_owned();
    expected.target_fpir = 0.5;
    let changed = transaction.find_watchlist(id).await.unwrap();
    assert_eq!(changed.as_ref(), Some(&expected));
    let nothing = WatchlistChange::default();
    assert!(
        !transaction
            .update_watchlist(WatchlistId::new(), nothing)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn another_tenants_people_and_lists_are_not_changed() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await;
    let mut own = fixture.store.begin(&acme).await.unwrap();
    let subject = own
        .insert_subject(list.id, new_subject("key"), &[axis(0)])
        .await
        .unwrap();
    own.commit().await.unwrap();

    let mut foreign = fixture.store.begin(&tenant("other")).await.unwrap();
    let change = SubjectChange {
        display_name: Some(Some("x".to_owned())),
        ..SubjectChange::default()
    };
    assert!(
        !foreign
            .update_subject(list.id, subject.id, change)
            .await
            .unwrap()
    );
    let change = WatchlistChange {
        name: Some("x".to_owned()),
        ..WatchlistChange::default()
    };
    assert!(!foreign.update_watchlist(list.id, change).await.unwrap());
    let page = foreign
        .list_subjects(list.id, &of_key("key"), first_page(9))
        .await
        .unwrap();
    assert_eq!(page.items, []);
    foreign.commit().await.unwrap();
    let mut foreign = fixture.store.begin(&tenant("other")).await.unwrap();
    let put = foreign.put_subject(list.id, new_subject("key")).await;
    assert!(matches!(put, Err(StoreError::MissingReference { .. })));

    let mut own = fixture.store.begin(&acme).await.unwrap();
    let kept = own.find_subject(list.id, subject.id).await.unwrap();
    assert_eq!(kept, Some(subject));
    let lists = own
        .list_watchlists(&WatchlistFilter::default(), first_page(9))
        .await
        .unwrap();
    assert_eq!(lists.items[0].name, "door");
}

#[tokio::test]
async fn the_service_may_change_no_other_column_of_a_list_or_a_person() {
    let fixture = Fixture::new().await;
    fixture.watchlist(&tenant("acme"), "door").await;
    for statement in [
        "update watchlists set tenant = 'other'",
        "update watchlists set created_at = now()",
        "update subjects set id = gen_random_uuid()",
        "update subjects set watchlist_id = gen_random_uuid()",
    ] {
        let mut session = fixture.service(Some("acme")).await;
        let error = sqlx::query(AssertSqlSafe(statement))
            .execute(&mut session)
            .await
            .unwrap_err();
        let database = error.as_database_error().unwrap();
        assert_eq!(database.code().as_deref(), Some("42501"), "{statement}");
    }
}

#[tokio::test]
async fn the_removal_of_a_list_is_not_held_to_the_time_of_a_statement() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut owner = fixture.owner().await;
    // Stands in for the many rows: it refuses what a statement of ten seconds could not finish.
    sqlx::raw_sql(
        "create function needs_minutes() returns trigger language plpgsql as $$ begin \
         if current_setting('statement_timeout')::interval < interval '5 min' then raise 'too slow'; end if; \
         return old; end $$; \
         create trigger needs_minutes before delete on watchlists for each row execute function needs_minutes()",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    assert!(transaction.delete_watchlist(list).await.unwrap().is_some());
    transaction.commit().await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from watchlists")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
