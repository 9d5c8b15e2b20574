//! A home with a service on a port that stays the same, to be started and killed.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use likeness::config::Config;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub struct Scene {
    pub home: tempfile::TempDir,
    listen: String,
    token: String,
    client: Client,
}

impl Scene {
    pub fn new(scope: &str) -> Self {
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
        let scope = ["--tenant", "default", "--scope", scope];
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
            .env(
                "LIKENESS_IMAGE_KEY",
                "a secret for pictures, of more than 32 bytes",
            )
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

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("http://{}{path}", self.listen));
        request.bearer_auth(&self.token)
    }

    /// Makes a list.
    pub async fn make_list(&self, name: &str) {
        let request = self.request(Method::POST, "/v1/watchlists");
        let answer = request.json(&json!({"name": name})).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }
}
