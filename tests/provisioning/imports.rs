//! Imports with real processes, real pictures and real models: the service is killed while it works.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use likeness::config::Config;
use reqwest::Client;
use serde_json::{Value, json};

/// More than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// Pictures with one face, and how often each is in the folder.
const PEOPLE: [&str; 4] = ["obama", "obama2", "biden", "astronaut"];
const COPIES: usize = 15;

/// A home with a service on a port that stays the same.
pub struct Scene {
    pub home: tempfile::TempDir,
    listen: String,
    token: String,
    client: Client,
}

impl Scene {
    pub fn new() -> Self {
        super::postgres::provisioned();
        let home = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap().to_string();
        let scene = Self {
            home,
            listen,
            token: String::new(),
            // A connection to a service that was killed is of no use to the next question.
            client: Client::builder().pool_max_idle_per_host(0).build().unwrap(),
        };
        let scope = [
            "--tenant",
            "default",
            "--scope",
            "watchlist:read watchlist:write",
        ];
        let output = scene.command("token").args(scope).output().unwrap();
        let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Self { token, ..scene }
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_likeness"));
        command
            .arg(name)
            .env("LIKENESS_HOME", self.home.path())
            .env("LIKENESS_ASSETS", Config::from_env().unwrap().assets)
            .env("LIKENESS_LISTEN", &self.listen)
            .env_remove("DATABASE_URL");
        command
    }

    /// The service, ready. Its output goes on being read, since it does not like to talk to nobody.
    pub fn serve(&self) -> Child {
        let mut process = self
            .command("serve")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("Likeness serves on")));
        std::thread::spawn(move || said.for_each(drop));
        process
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("http://{}{path}", self.listen));
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Makes a list.
    pub async fn make_list(&self, name: &str) {
        let request = self
            .client
            .post(format!("http://{}/v1/watchlists", self.listen));
        let request = request
            .bearer_auth(&self.token)
            .json(&json!({"name": name}));
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// The only job, once that many of its rows are over.
    async fn job_with(&self, done: u64) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let job = self.get("/v1/jobs").await["items"][0].clone();
            if job["done"].as_u64().is_some_and(|over| over >= done) {
                return job;
            }
            assert!(Instant::now() < deadline, "{job}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
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
    let (scene, folder) = (Scene::new(), folder());
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
        let job = scene.job_with(done).await;
        assert_eq!(job["state"], "running", "{job}");
        service.kill().unwrap();
        service.wait().unwrap();
        service = scene.serve();
    }
    let job = scene.job_with(61).await;
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
    let (scene, folder) = (Scene::new(), folder());
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
