//! The service as a process of its own, with the real models.

use std::process::{Command, Stdio};
use std::time::Duration;

use likeness::auth::{TokenRequest, mint};
use likeness::domain::ids::TenantId;
use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::{support, token_rules};

const SECRET: &str = "a secret of the tests, of more than 32 bytes";

pub struct Service {
    address: String,
    process: Process,
    _home: TempDir,
}

impl Service {
    pub async fn start(database: &SecretString) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_likeness"));
        command
            .arg("serve")
            .env("LIKENESS_HOME", home.path())
            .env("LIKENESS_ASSETS", support::config().assets)
            .env("LIKENESS_LISTEN", "127.0.0.1:0")
            .env("LIKENESS_REQUEST_DEADLINE_SECONDS", "120")
            .env("LIKENESS_JWT_SECRET", SECRET)
            .env("DATABASE_URL", database.expose_secret())
            .stderr(Stdio::null());
        let find = |line: &str| Some(line.split_once("serves on ")?.1.to_owned());
        let (process, address) = Process::start(&mut command, find).await;
        Self {
            address,
            process,
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
        self.process.stop();
    }
}
