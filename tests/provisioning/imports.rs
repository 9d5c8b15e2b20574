//! Imports with real processes, real pictures and real models: the service is killed while it works.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::Scene;

/// More than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// Pictures with one face, and how often each is in the folder.
const PEOPLE: [&str; 4] = ["obama", "obama2", "biden", "astronaut"];
const COPIES: usize = 15;

/// The only job, once that many of its rows are over.
async fn job_with(scene: &Scene, done: u64) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let job = scene.get("/v1/jobs").await["items"][0].clone();
        if job["done"].as_u64().is_some_and(|over| over >= done) {
            return job;
        }
        assert!(Instant::now() < deadline, "{job}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sixty pictures of three people, one of nobody, and a manifest that says who is who.
fn folder() -> tempfile::TempDir {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = "file,external_id,display_name\n".to_owned();
    for copy in 0..COPIES {
        for person in PEOPLE {
            let file = format!("{person}-{copy}.jpg");
            fs::copy(
                fixtures.join(format!("{person}.jpg")),
                folder.path().join(&file),
            )
            .unwrap();
            let name = person.trim_end_matches('2');
            manifest += &format!("{file},{name}-{},{name}\n", copy % 5);
        }
    }
    fs::copy(
        fixtures.join("no_face.jpg"),
        folder.path().join("nobody.jpg"),
    )
    .unwrap();
    manifest += "nobody.jpg,nobody,\n";
    fs::write(folder.path().join("manifest.csv"), manifest).unwrap();
    folder
}

#[tokio::test]
async fn a_service_that_is_killed_twice_during_an_import_enrols_every_face_once() {
    let (scene, folder) = (Scene::new("watchlist:read"), folder());
    let mut service = scene.serve();
    let import = scene
        .command("import")
        .arg(folder.path())
        .args(["--watchlist", "people"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for done in [5, 25] {
        let job = job_with(&scene, done).await;
        assert_eq!(job["state"], "running", "{job}");
        service.kill().unwrap();
        service.wait().unwrap();
        service = scene.serve();
    }
    let job = job_with(&scene, 61).await;
    let import = tokio::task::spawn_blocking(|| import.wait_with_output());
    let import = import.await.unwrap().unwrap();
    let said = String::from_utf8(import.stdout).unwrap();
    assert!(said.contains("made one of the kind alert"), "{said}");
    assert!(said.contains("succeeded: 60 enrolled, 1 refused"), "{said}");
    assert!(said.contains("nobody.jpg  no_face"), "{said}");
    assert_eq!(import.status.code(), Some(1), "a row was refused");

    let rows = format!("/v1/jobs/{}/rows?limit=200", job["id"].as_str().unwrap());
    let rows = scene.get(&rows).await["items"].as_array().unwrap().clone();
    let of_rows: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row["face_id"].as_str())
        .collect();
    assert_eq!((rows.len(), of_rows.len()), (61, 60));
    let list = job["watchlist_id"].as_str().unwrap();
    let subjects = scene
        .get(&format!("/v1/watchlists/{list}/subjects?limit=200"))
        .await;
    let subjects = subjects["items"].as_array().unwrap();
    assert_eq!(subjects.len(), 15, "five of each of the three");
    let enrolled: Vec<_> = subjects
        .iter()
        .flat_map(|subject| subject["faces"].as_array().unwrap())
        .map(|face| face["id"].as_str().unwrap())
        .collect();
    assert_eq!(enrolled.len(), 60, "one face a row and no more");
    assert_eq!(enrolled.into_iter().collect::<BTreeSet<_>>(), of_rows);
    // The list, the import, and each face once.
    let (in_order, said) = super::audit::verify(&scene, &[]);
    assert!(
        in_order && said.starts_with("default: intact, 62 events"),
        "{said}"
    );
    service.kill().unwrap();
    service.wait().unwrap();
}

#[test]
fn without_a_service_the_command_says_so() {
    let (scene, folder) = (Scene::new("watchlist:read"), folder());
    let output = scene
        .command("import")
        .arg(folder.path())
        .args(["--watchlist", "people"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is the service running?"), "{said}");
}
