//! The search finds what a comparison of everything with everything finds.

use half::f16;
use likeness::domain::face::Template;
use likeness::domain::ids::{SubjectId, WatchlistId};
use likeness::store::{NewSubject, TenantTx};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use time::{Duration, OffsetDateTime};

use crate::fixture::{DIMENSIONS, Fixture, MODEL, axis, gallery_size, new_subject, search, tenant};

pub fn random(rng: &mut impl Rng) -> Template {
    let values = (0..DIMENSIONS)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Template::normalised(MODEL, values).unwrap()
}

/// A template at a given cosine to another, in a random direction from it.
pub fn at_similarity(rng: &mut impl Rng, to: &Template, cosine: f32) -> Template {
    let noise = random(rng);
    let along = noise.similarity(to).unwrap();
    let across: Vec<f32> = noise
        .values()
        .iter()
        .zip(to.values())
        .map(|(noise, to)| noise - along * to)
        .collect();
    let across = Template::normalised(MODEL, across).unwrap();
    let rest = (1.0 - cosine * cosine).sqrt();
    let values = to
        .values()
        .iter()
        .zip(across.values())
        .map(|(to, across)| cosine * to + rest * across)
        .collect();
    Template::normalised(MODEL, values).unwrap()
}

/// The inner product of both as the database holds them.
fn half_precision_similarity(a: &Template, b: &Template) -> f64 {
    let rounded = |value: &f32| f64::from(f16::from_f32(*value).to_f32());
    a.values()
        .iter()
        .zip(b.values())
        .map(|(a, b)| rounded(a) * rounded(b))
        .sum()
}

async fn enrol(transaction: &mut TenantTx, list: WatchlistId, templates: &[Template]) -> SubjectId {
    transaction
        .insert_subject(list, NewSubject::default(), templates)
        .await
        .unwrap()
        .id
}

#[tokio::test]
async fn a_search_tells_of_faces_that_another_model_made() {
    let fixture = Fixture::new().await;
    let other = fixture.store.register_model("another", 8);
    other.await.unwrap();
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let own = enrol(&mut transaction, list, &[axis(0)]).await;
    transaction.commit().await.unwrap();
    for foreign in [0, 1, 0] {
        // From before it was refused.
        sqlx::query(
            "insert into galleries (tenant, watchlist_id, model_id, revision, faces) \
             values ('acme', $1, 'another', 1, $2) \
             on conflict on constraint galleries_pkey do update set faces = $2",
        )
        .bind(list.as_uuid())
        .bind(foreign)
        .execute(&mut fixture.owner().await)
        .await
        .unwrap();
        let told = foreign > 0;
        let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
        let found = search(&mut transaction, list, &axis(0), 0.5, 9).await;
        assert_eq!((found.size, found.has_others), (1, told));
        assert_eq!(found.nearest[0].subject_id, own);
        let probe = axis(0);
        let probes = [&probe];
        let each = transaction.search_each(list, &probes, |_| 0.5, 9);
        assert_eq!(each.await.unwrap().unwrap().has_others, told);
    }
}

#[tokio::test]
async fn a_search_agrees_with_comparing_every_face() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let mut rng = StdRng::seed_from_u64(7);
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let probe = random(&mut rng);
    let mut enrolled = Vec::new();
    for _ in 0..2000 {
        let template = random(&mut rng);
        let id = enrol(&mut transaction, list, std::slice::from_ref(&template)).await;
        enrolled.push((id, template));
    }
    let planted = at_similarity(&mut rng, &probe, 0.6);
    let nearest = enrol(&mut transaction, list, std::slice::from_ref(&planted)).await;
    enrolled.push((nearest, planted));

    // Of random directions a handful comes this near, so the order of several is compared.
    let threshold = 0.08;
    let mut expected: Vec<(SubjectId, f64, f32)> = enrolled
        .iter()
        .map(|(id, template)| {
            let exact = template.similarity(&probe).unwrap();
            (*id, half_precision_similarity(template, &probe), exact)
        })
        .filter(|(_, similarity, _)| *similarity >= threshold)
        .collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    assert!((20..200).contains(&expected.len()), "{}", expected.len());

    let hits = search(&mut transaction, list, &probe, threshold, 1000)
        .await
        .nearest;
    assert_eq!(hits[0].subject_id, nearest);
    let found: Vec<SubjectId> = hits.iter().map(|hit| hit.subject_id).collect();
    let wanted: Vec<SubjectId> = expected.iter().map(|(id, ..)| *id).collect();
    assert_eq!(found, wanted);
    for (hit, (_, _, exact)) in hits.iter().zip(&expected) {
        assert!(
            (hit.similarity - exact).abs() < 1e-3,
            "{} {exact}",
            hit.similarity
        );
    }

    let best = search(&mut transaction, list, &probe, threshold, 3)
        .await
        .nearest;
    assert_eq!(best, hits[..3]);
    assert_eq!(gallery_size(&mut transaction, list).await, 2001);
}

#[tokio::test]
async fn a_subject_is_one_hit_with_its_nearest_face() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let mut rng = StdRng::seed_from_u64(8);
    let probe = random(&mut rng);
    let faces: Vec<Template> = [0.5, 0.7, 0.6]
        .map(|cosine| at_similarity(&mut rng, &probe, cosine))
        .into();
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let new = NewSubject {
        display_name: Some("Ada".to_owned()),
        ..new_subject("p-1")
    };
    let subject = transaction
        .insert_subject(list, new, &faces)
        .await
        .unwrap()
        .id;
    let hits = search(&mut transaction, list, &probe, 0.4, 9).await.nearest;
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].subject_id, subject);
    assert_eq!(hits[0].external_id.as_deref(), Some("p-1"));
    assert_eq!(hits[0].display_name.as_deref(), Some("Ada"));
    assert!(
        (hits[0].similarity - 0.7).abs() < 1e-3,
        "{}",
        hits[0].similarity
    );
}

#[tokio::test]
async fn the_threshold_itself_is_a_hit_and_below_it_is_none() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    enrol(&mut transaction, list, &[axis(0)]).await;
    let hits = search(&mut transaction, list, &axis(0), 1.0, 9)
        .await
        .nearest;
    assert_eq!(hits[0].similarity, 1.0);
    assert_eq!(
        search(&mut transaction, list, &axis(0), 1.0001, 9)
            .await
            .nearest,
        []
    );
}

#[tokio::test]
async fn somebody_whose_time_is_over_is_neither_found_nor_counted() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let now = OffsetDateTime::now_utc();
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    for (name, valid_until) in [
        ("over", Some(now - Duration::hours(1))),
        ("ahead", Some(now + Duration::hours(1))),
        ("always", None),
    ] {
        let new = NewSubject {
            valid_until,
            ..new_subject(name)
        };
        transaction
            .insert_subject(list, new, &[axis(0)])
            .await
            .unwrap();
    }
    let hits = search(&mut transaction, list, &axis(0), 0.9, 9)
        .await
        .nearest;
    let mut names: Vec<_> = hits
        .iter()
        .filter_map(|hit| hit.external_id.as_deref())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["ahead", "always"]);
    assert_eq!(gallery_size(&mut transaction, list).await, 2);
    let counted = transaction.find_watchlist(list).await.unwrap().unwrap();
    assert_eq!((counted.subjects, counted.faces), (3, 3));
}

#[tokio::test]
async fn a_search_stays_within_its_list() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let (searched, beside) = (
        fixture.watchlist(&acme, "1").await.id,
        fixture.watchlist(&acme, "2").await.id,
    );
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    enrol(&mut transaction, beside, &[axis(0)]).await;
    assert_eq!(
        search(&mut transaction, searched, &axis(0), -1.0, 9)
            .await
            .nearest,
        []
    );
    assert_eq!(gallery_size(&mut transaction, searched).await, 0);
}

#[tokio::test]
async fn a_snapshot_does_not_move_and_cannot_write() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut snapshot = fixture.store.begin_snapshot(&acme).await.unwrap();
    assert_eq!(gallery_size(&mut snapshot, list).await, 0);

    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    enrol(&mut transaction, list, &[axis(0)]).await;
    transaction.commit().await.unwrap();

    assert_eq!(
        search(&mut snapshot, list, &axis(0), 0.9, 9).await.nearest,
        []
    );
    assert!(snapshot.delete_watchlist(list).await.is_err());
    let mut later = fixture.store.begin_snapshot(&acme).await.unwrap();
    assert_eq!(
        search(&mut later, list, &axis(0), 0.9, 9)
            .await
            .nearest
            .len(),
        1
    );
}
