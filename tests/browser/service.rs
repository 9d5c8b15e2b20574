//! The service as a process of its own, with the real models.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use likeness::auth::{TokenRequest, mint};
use likeness::domain::ids::TenantId;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{support, token_rules};

const SECRET: &str = "a secret of the tests, of more than 32 bytes";

pub struct Service {
    address: String,
    child: Child,
    _home: TempDir,
}

impl Service {
    pub async fn start(database: &SecretString) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_likeness"))
            .arg("serve")
            .env("LIKENESS_HOME", home.path())
            .env("LIKENESS_ASSETS", support::config().assets)
            .env("LIKENESS_LISTEN", "127.0.0.1:0")
            .env("LIKENESS_REQUEST_DEADLINE_SECONDS", "120")
            .env("LIKENESS_JWT_SECRET", SECRET)
            .env("DATABASE_URL", database.expose_secret())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let greeting = BufReader::new(child.stdout.take().unwrap());
        let find = move || {
            let mut lines = greeting.lines().map(Result::unwrap);
            let address = lines.find_map(|line| Some(line.split_once("serves on ")?.1.to_owned()));
            // It goes on being read, since the service does not like to talk to nobody.
            std::thread::spawn(move || lines.for_each(drop));
            address
        };
        let address = tokio::task::spawn_blocking(find).await.unwrap();
        Self {
            address: address.expect("the service says where it is"),
            child,
            _home: home,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        Client::new()
            .request(method, self.url(path))
            .bearer_auth(token())
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    pub async fn post(&self, path: &str, form: Form) -> Value {
        let request = self.request(Method::POST, path);
        let answer = request.multipart(form).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Makes an empty list.
    pub async fn make_list(&self, name: &str) {
        let request = self.request(Method::POST, "/v1/watchlists");
        let answer = request.json(&json!({ "name": name })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    pub async fn verify(&self, form: Form) -> Value {
        self.post("/v1/verifications", form).await
    }
}

/// A token with every scope.
pub fn token() -> String {
    let rules = token_rules::usual();
    let request = TokenRequest {
        subject: "clerk-7".to_owned(),
        tenant: TenantId::parse("acme").unwrap(),
        scope: "verify watchlist:read watchlist:write audit:read review admin".to_owned(),
        ttl: Duration::from_secs(1800),
    };
    mint(&SECRET.into(), &rules, &request).unwrap()
}

impl Drop for Service {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.child.wait();
    }
}
