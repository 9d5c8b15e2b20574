//! What the database refuses by itself, whoever asks.

use likeness::domain::embedder::Embedder;
use likeness::domain::face::Template;
use likeness::domain::ids::{SubjectId, WatchlistId};
use likeness::domain::watchlist::WatchlistKind;
use likeness::store::{NewSubject, NewWatchlist, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::fixture::{
    DIMENSIONS, Fixture, MODEL, axis, new_face, new_subject, new_watchlist, search, tenant,
};

struct Subject {
    fixture: Fixture,
    list: WatchlistId,
    subject: SubjectId,
}

async fn subject() -> Subject {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let subject = transaction
        .insert_subject(list, new_subject("s"), &[])
        .await
        .unwrap()
        .id;
    transaction.commit().await.unwrap();
    Subject {
        fixture,
        list,
        subject,
    }
}

impl Subject {
    /// Inserts a face in plain SQL, as code without the types of the domain could, and tells why it was refused:
    /// the constraint's name, or else the message.
    async fn refusal(&self, session: &mut PgConnection, model: &str, vector: &str) -> String {
        let error = sqlx::query(
            "insert into faces (watchlist_id, subject_id, id, model_id, template, revision) \
             values ($1, $2, $3, $4, $5::text::halfvec, 1)",
        )
        .bind(self.list.as_uuid())
        .bind(self.subject.as_uuid())
        .bind(Uuid::now_v7())
        .bind(model)
        .bind(vector)
        .execute(session)
        .await
        .unwrap_err();
        let database = error.into_database_error().unwrap();
        database
            .constraint()
            .map_or_else(|| database.message().to_owned(), str::to_owned)
    }
}

/// A vector in SQL: `first`, then zeros.
fn vector(first: &str, dimensions: usize) -> String {
    format!("[{first}{}]", ",0".repeat(dimensions - 1))
}

#[tokio::test]
async fn a_vector_that_is_no_unit_vector_of_its_model_is_refused_by_name() {
    let subject = subject().await;
    let mut session = subject.fixture.service(Some("acme")).await;
    for (model, vector, reason) in [
        (MODEL, vector("0", DIMENSIONS), "faces_template_unit_length"),
        (
            MODEL,
            vector("0.98", DIMENSIONS),
            "faces_template_unit_length",
        ),
        (
            MODEL,
            vector("1.02", DIMENSIONS),
            "faces_template_unit_length",
        ),
        (MODEL, vector("1", DIMENSIONS - 1), "faces_model_fkey"),
        (
            "another-embedder",
            vector("1", DIMENSIONS),
            "faces_model_fkey",
        ),
        (
            MODEL,
            vector("NaN", DIMENSIONS),
            "NaN not allowed in halfvec",
        ),
        (
            MODEL,
            vector("Infinity", DIMENSIONS),
            "infinite value not allowed in halfvec",
        ),
    ] {
        assert_eq!(
            subject.refusal(&mut session, model, &vector).await,
            reason,
            "{model} {}",
            &vector[..12]
        );
    }
}

#[tokio::test]
async fn a_template_of_an_unregistered_model_or_length_is_a_missing_reference() {
    let subject = subject().await;
    for (model, dimensions, missing) in [
        ("another-embedder", DIMENSIONS, "galleries_model_fkey"),
        (MODEL, DIMENSIONS / 2, "faces_model_fkey"),
    ] {
        let template = Template::normalised(model, vec![1.0; dimensions]).unwrap();
        let mut transaction = subject.fixture.store.begin(&tenant("acme")).await.unwrap();
        let error = transaction
            .insert_face(subject.list, new_face(subject.subject, &template))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, StoreError::MissingReference { constraint } if constraint == missing),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn templates_of_two_models_of_different_length_live_on_two_lists_and_not_on_one() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.register_model("small-embedder", 128).await.unwrap();
    let small = Template::normalised("small-embedder", vec![1.0; 128]).unwrap();
    let templates = [axis(0), small];
    let lists = [
        fixture.watchlist(&tenant("acme"), "door").await.id,
        fixture.watchlist(&tenant("acme"), "gate").await.id,
    ];
    for (list, template) in lists.into_iter().zip(&templates) {
        let mut transaction = store.begin(&tenant("acme")).await.unwrap();
        let template = std::slice::from_ref(template);
        let made = transaction.insert_subject(list, new_subject("s"), template);
        made.await.unwrap();
        transaction.commit().await.unwrap();
    }
    for (list, template) in lists.into_iter().zip(&templates) {
        let mut transaction = store.begin(&tenant("acme")).await.unwrap();
        let found = search(&mut transaction, list, template, 0.9, 9).await;
        assert_eq!((found.size, found.nearest.len()), (1, 1));
    }
    for (list, template) in lists.into_iter().rev().zip(&templates) {
        let mut transaction = store.begin(&tenant("acme")).await.unwrap();
        let template = std::slice::from_ref(template);
        let refused = transaction.insert_subject(list, new_subject("t"), template);
        let refused = refused.await;
        assert!(
            matches!(refused, Err(StoreError::ModelChanged)),
            "{refused:?}"
        );
    }
    // Nor two at once on a list that is empty.
    let list = fixture.watchlist(&tenant("acme"), "window").await.id;
    let mut transaction = store.begin(&tenant("acme")).await.unwrap();
    let refused = transaction.insert_subject(list, new_subject("u"), &templates);
    let refused = refused.await;
    assert!(
        matches!(refused, Err(StoreError::ModelChanged)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_model_keeps_its_length_for_ever() {
    let fixture = Fixture::new().await;
    fixture
        .store
        .register_model(MODEL, DIMENSIONS)
        .await
        .unwrap();
    let error = fixture.store.register_model(MODEL, 128).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict { constraint } if constraint == "models_pkey"),
        "{error:?}"
    );
    for dimensions in [0, 4001, usize::MAX] {
        let error = fixture
            .store
            .register_model("odd", dimensions)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, StoreError::Refused { constraint } if constraint == "models_dimensions_range"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_watchlist_has_a_name_of_its_own_and_a_possible_target() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    fixture.watchlist(&acme, "door").await;
    fixture.watchlist(&tenant("other"), "door").await;
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    let error = transaction
        .insert_watchlist(new_watchlist("door"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict { constraint } if constraint == "watchlists_name_unique"),
        "{error:?}"
    );
    for target_fpir in [0.0, -0.1, 1.001, f64::NAN, f64::INFINITY] {
        let mut transaction = fixture.store.begin(&acme).await.unwrap();
        let new = NewWatchlist {
            kind: WatchlistKind::Alert,
            target_fpir,
            ..new_watchlist("gate")
        };
        let error = transaction.insert_watchlist(new).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Refused { constraint } if constraint == "watchlists_target_fpir_range"),
            "{target_fpir}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_external_id_is_unique_within_its_list_only() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let (first, second) = (
        fixture.watchlist(&acme, "1").await,
        fixture.watchlist(&acme, "2").await,
    );
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    for list in [first.id, second.id] {
        transaction
            .insert_subject(list, new_subject("p-1"), &[])
            .await
            .unwrap();
        for _ in 0..2 {
            transaction
                .insert_subject(list, NewSubject::default(), &[])
                .await
                .unwrap();
        }
    }
    let error = transaction
        .insert_subject(first.id, new_subject("p-1"), &[])
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict { constraint } if constraint == "subjects_external_id_unique"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_subject_needs_its_list() {
    let fixture = Fixture::new().await;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let error = transaction
        .insert_subject(WatchlistId::new(), NewSubject::default(), &[])
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::MissingReference { constraint } if constraint == "subjects_watchlist_fkey"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_text_with_the_character_zero_is_an_invalid_value_and_not_a_fault() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let in_metadata = NewSubject {
        metadata: [("k".to_owned(), "a\0b".into())].into_iter().collect(),
        ..NewSubject::default()
    };
    for new in [new_subject("a\0b"), in_metadata] {
        let mut transaction = fixture.store.begin(&acme).await.unwrap();
        let error = transaction
            .insert_subject(list, new, &[])
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::InvalidValue(_)), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_faces_of_two_networks_fit_into_a_page_and_seven_of_one() {
    for (embedder, in_a_page) in [
        (Embedder::Sface, 5),
        (Embedder::Fused, 5),
        (Embedder::FrFeature, 7),
    ] {
        let fixture = Fixture::new().await;
        let registered = fixture
            .store
            .register_model(embedder.id(), embedder.dimensions());
        registered.await.unwrap();
        // As long as the name of a tenant may be for it.
        let tenant = tenant("fifteen-letters");
        let list = fixture.watchlist(&tenant, "door").await.id;
        let face = |index: usize| {
            let mut values = vec![0.0; embedder.dimensions()];
            values[index] = 1.0;
            Template::normalised(embedder.id(), values).unwrap()
        };
        let mut transaction = fixture.store.begin(&tenant).await.unwrap();
        for first in [0, in_a_page] {
            let faces: Vec<_> = (first..first + in_a_page).map(face).collect();
            transaction
                .insert_subject(list, NewSubject::default(), &faces)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        let bytes: i64 = sqlx::query_scalar("select pg_relation_size('faces')")
            .fetch_one(&mut fixture.owner().await)
            .await
            .unwrap();
        assert_eq!(bytes, 2 * 8192, "{embedder:?}");
    }
}
