//! What is left of an erased person in the files of the database, below what any statement shows.

use std::fs;
use std::path::PathBuf;

use likeness::domain::decision::Decision;
use likeness::domain::face::Template;
use likeness::lifecycle::{ErasureRequest, erase};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::AssertSqlSafe;

use crate::fixture::{Fixture, actor, new_subject, tenant, verification};
use crate::jobs::row;
use crate::search::random;

const KEY: &str = "target-of-the-erasure-4711";

/// What would give the person away: the key, the picture that waits, and the template in half precision.
fn traces(template: &Template) -> [(&'static str, Vec<u8>); 3] {
    let halves = template.values().iter().take(32);
    let vector = halves.flat_map(|value| half::f16::from_f32(*value).to_le_bytes());
    [
        ("key", KEY.into()),
        ("picture", picture()),
        ("template", vector.collect()),
    ]
}

fn picture() -> Vec<u8> {
    b"picture of the target ".repeat(500)
}

/// The files of this database. Its log and its backups are no part of these.
pub async fn files(fixture: &Fixture) -> Vec<Vec<u8>> {
    let mut owner = fixture.owner().await;
    sqlx::raw_sql("checkpoint")
        .execute(&mut owner)
        .await
        .unwrap();
    let folder: String = sqlx::query_scalar(
        "select current_setting('data_directory') || '/base/' || oid from pg_database \
         where datname = current_database()",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() > 100);
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Which traces stand in some file of this database.
async fn found(fixture: &Fixture, template: &Template) -> Vec<&'static str> {
    let contents = files(fixture).await;
    let holds = |needle: &[u8]| {
        // A long picture lies in pieces; the first of them is enough.
        let needle = &needle[..needle.len().min(1_000)];
        let finder = |content: &Vec<u8>| content.windows(needle.len()).any(|at| at == needle);
        contents.iter().any(finder)
    };
    let traces = traces(template).into_iter();
    traces
        .filter(|(_, needle)| holds(needle))
        .map(|(name, _)| name)
        .collect()
}

#[tokio::test]
async fn once_the_tables_are_written_anew_the_files_hold_nothing_of_an_erased_person() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let list = fixture.watchlist(&acme, "door").await.id;
    let mut rng = StdRng::seed_from_u64(17);
    let (target, beside) = (random(&mut rng), random(&mut rng));
    let mut transaction = fixture.store.begin(&acme).await.unwrap();
    for (key, face) in [("before", &beside), (KEY, &target), ("after", &beside)] {
        let faces = std::slice::from_ref(face);
        transaction
            .insert_subject(list, new_subject(key), faces)
            .await
            .unwrap();
    }
    let new = verification(Decision::Approved, Some(KEY));
    transaction.insert_verification(&new, None).await.unwrap();
    let (holder, lease) = (
        likeness::store::Holder::new(),
        std::time::Duration::from_secs(600),
    );
    let job = transaction
        .insert_job(list, &actor("acme"), holder, lease)
        .await
        .unwrap();
    let mut waiting = row(1, Ok(&picture()));
    waiting.external_id = Some(KEY.to_owned());
    transaction
        .insert_job_rows(job, vec![waiting])
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        found(&fixture, &target).await,
        ["key", "picture", "template"]
    );

    let request = ErasureRequest {
        external_id: KEY.to_owned(),
        reason: None,
    };
    let done = erase(&fixture.store, &actor("acme"), request)
        .await
        .unwrap();
    done.commit().await.unwrap();
    eprintln!("after the erasure: {:?}", found(&fixture, &target).await);
    vacuum(&fixture, "vacuum").await;
    eprintln!("after a vacuum: {:?}", found(&fixture, &target).await);
    vacuum(&fixture, "vacuum (full)").await;
    assert_eq!(found(&fixture, &target).await, [""; 0]);
    // The others are still there, so the search for traces looks where templates lie.
    assert_eq!(found(&fixture, &beside).await, ["template"]);
}

async fn vacuum(fixture: &Fixture, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(&mut fixture.owner().await)
        .await
        .unwrap();
}
