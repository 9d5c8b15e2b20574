//! Imports with real processes, real pictures and real models: the service is killed while it works.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::Scene;

/// More than anything here takes on a busy machine, but for folders of one's own.
const PATIENCE: Duration = Duration::from_secs(180);
/// The same for each row of those.
const PATIENCE_FOR_A_ROW: Duration = Duration::from_secs(2);
/// Pictures with one face, and how often each is in the folder.
const PEOPLE: [&str; 4] = ["obama", "obama2", "biden", "astronaut"];
const COPIES: usize = 15;

/// The only job, once that share of its rows is over.
async fn job_with(scene: &Scene, share: f64) -> Value {
    let started = Instant::now();
    loop {
        let job = scene.get("/v1/jobs").await["items"][0].clone();
        let total = job["total"].as_f64().unwrap_or(0.0);
        if job["done"]
            .as_f64()
            .is_some_and(|done| done >= share * total)
        {
            return job;
        }
        let patience = PATIENCE + PATIENCE_FOR_A_ROW.mul_f64(total);
        assert!(started.elapsed() < patience, "{job}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Every item of a list that comes in pages.
async fn all(scene: &Scene, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("{path}?limit=200{cursor}")).await;
        items.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else {
            return items;
        };
        cursor = format!("&cursor={next}");
    }
}

/// How many rows were enrolled, and how many refused, by the last word of the command.
fn counted(said: &str) -> (usize, usize) {
    let (_, counts) = said.split_once("succeeded: ").expect(said);
    let before = |word: &str| {
        let (number, _) = counts.split_once(word).expect(said);
        let number = number.rsplit(' ').next().unwrap();
        number.parse().expect(said)
    };
    (before(" enrolled"), before(" refused"))
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

/// `TEST_PICTURES` names a folder of one's own to be imported instead.
#[tokio::test]
async fn a_service_that_is_killed_twice_during_an_import_enrols_every_face_once() {
    let own = env::var_os("TEST_PICTURES").map(PathBuf::from);
    let (scene, folder) = (Scene::new("watchlist:read"), folder());
    let mut service = scene.serve();
    let import = scene
        .command("import")
        .arg(own.as_deref().unwrap_or(folder.path()))
        .args(["--watchlist", "people"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for share in [0.08, 0.4] {
        let job = job_with(&scene, share).await;
        assert_eq!(job["state"], "running", "{job}");
        service.kill().unwrap();
        service.wait().unwrap();
        service = scene.serve();
    }
    let job = job_with(&scene, 1.0).await;
    let import = tokio::task::spawn_blocking(|| import.wait_with_output());
    let import = import.await.unwrap().unwrap();
    let said = String::from_utf8(import.stdout).unwrap();
    assert!(said.contains("made one of the kind alert"), "{said}");
    let (enrolled, refused) = counted(&said);
    assert_eq!(import.status.code(), Some(i32::from(refused > 0)));

    let rows = format!("/v1/jobs/{}/rows", job["id"].as_str().unwrap());
    let rows = all(&scene, &rows).await;
    let of_rows: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row["face_id"].as_str())
        .collect();
    assert_eq!((rows.len(), of_rows.len()), (enrolled + refused, enrolled));
    let list = job["watchlist_id"].as_str().unwrap();
    let subjects = all(&scene, &format!("/v1/watchlists/{list}/subjects")).await;
    let faces: Vec<_> = subjects
        .iter()
        .flat_map(|subject| subject["faces"].as_array().unwrap())
        .map(|face| face["id"].as_str().unwrap())
        .collect();
    assert_eq!(faces.len(), enrolled, "one face a row and no more");
    assert_eq!(faces.into_iter().collect::<BTreeSet<_>>(), of_rows);
    // The list, the import, and each face once.
    let (in_order, audited) = super::audit::verify(&scene, &[]);
    let events = format!("default: intact, {} events", enrolled + 2);
    assert!(in_order && audited.starts_with(&events), "{audited}");
    service.kill().unwrap();
    service.wait().unwrap();
    if own.is_some() {
        eprintln!("{enrolled} enrolled, each once, and {refused} refused");
        return;
    }
    assert_eq!((enrolled, refused), (60, 1));
    assert!(said.contains("nobody.jpg  no_face"), "{said}");
    assert_eq!(subjects.len(), 15, "five of each of the three");
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
