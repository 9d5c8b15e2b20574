//! The service as a process, and a client for it.

use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use likeness::auth::{TokenRequest, mint};
use likeness::domain::ids::TenantId;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::process::Process;
use crate::{support, token_rules};

const SECRET: &str = "a secret of these tests, of more than 32 bytes";
/// Whose records the tests reach.
pub const TENANT: &str = "canary-tenant";

pub struct Service {
    pub address: String,
    client: Client,
    process: Process,
    home: TempDir,
}

impl Service {
    /// Starts it with more settings, on a database of its own.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let database = support::database().await;
        let home = tempfile::tempdir().unwrap();
        let log = File::create(home.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_likeness"));
        command
            .arg("serve")
            .env("LIKENESS_HOME", home.path())
            .env("LIKENESS_ASSETS", support::config().assets)
            .env("LIKENESS_LISTEN", "127.0.0.1:0")
            .env("DATABASE_URL", database.expose_secret())
            .env("LIKENESS_JWT_SECRET", SECRET)
            .env("LIKENESS_WORKERS", "1")
            .env("LIKENESS_LOG_FORMAT", "json")
            .envs(settings.iter().copied())
            .stderr(log);
        let find = |line: &str| Some(line.split_once("serves on ")?.1.to_owned());
        let (process, address) = Process::start(&mut command, find).await;
        Self {
            address,
            client: Client::new(),
            process,
            home,
        }
    }

    /// A request with every scope that the tests need.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.address))
            .bearer_auth(token())
    }

    /// A verification of somebody with their own document.
    pub fn verification(&self) -> (RequestBuilder, Form) {
        let form = Form::new()
            .part("selfie", fixture("obama.jpg"))
            .part("document", fixture("document_obama.jpg"));
        (self.request(Method::POST, "/v1/verifications"), form)
    }

    /// Stops it, and gives its log.
    pub fn stop(mut self) -> Vec<String> {
        assert!(self.process.stop(), "it does not stop");
        let log = fs::read_to_string(self.home.path().join("log")).unwrap();
        log.lines().map(str::to_owned).collect()
    }
}

/// The bearer token of every request.
fn token() -> String {
    let request = TokenRequest {
        subject: "canary-subject".to_owned(),
        tenant: TenantId::parse(TENANT).unwrap(),
        scope: "verify watchlist:read watchlist:write".to_owned(),
        ttl: Duration::from_secs(600),
    };
    mint(&SECRET.into(), &token_rules::usual(), &request).unwrap()
}

/// A picture.
pub fn fixture(name: &str) -> Part {
    Part::bytes(fs::read(format!("fixtures/{name}")).unwrap()).file_name("canary-file.jpg")
}
