//! The service as a process of its own, over TLS and at log level trace.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::process::Process;
use crate::secrets::Secrets;
use crate::support;

/// The last of several requests of one caller that the service answers in a minute, so that there is one it does not.
pub const SEARCHES: u64 = 60;

pub struct Service {
    pub address: SocketAddr,
    process: Process,
    home: TempDir,
}

impl Service {
    /// Starts it, with its traces going to this address.
    pub async fn start(database: &SecretString, secrets: &Secrets, collector: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| home.path().join(name));
        fs::write(&cert, certificate.cert.pem()).unwrap();
        fs::write(&key, certificate.signing_key.serialize_pem()).unwrap();
        let log = File::create(home.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_likeness"));
        command
            .arg("serve")
            .env("LIKENESS_HOME", home.path())
            .env("LIKENESS_ASSETS", support::config().assets)
            .env("LIKENESS_LISTEN", "127.0.0.1:0")
            .env("LIKENESS_TLS_CERT", cert)
            .env("LIKENESS_TLS_KEY", key)
            .env("DATABASE_URL", database.expose_secret())
            .env("LIKENESS_JWT_SECRET", &secrets.jwt_secret)
            .env("LIKENESS_TEMPLATE_KEY", &secrets.template_key)
            .env("LIKENESS_IMAGE_KEY", &secrets.image_key)
            .env("LIKENESS_SEARCHES_PER_MINUTE", SEARCHES.to_string())
            .env("LIKENESS_MAX_IMAGE_BYTES", "1000000")
            .env("LIKENESS_LOG", "trace")
            .env("LIKENESS_LOG_FORMAT", "json")
            .env("LIKENESS_OTLP_ENDPOINT", collector)
            .stderr(log);
        let find = |line: &str| line.split_once("https://")?.1.parse().ok();
        let (process, address) = Process::start(&mut command, find).await;
        Self {
            address,
            process,
            home,
        }
    }

    /// Whether a crash would write its memory to a disk.
    pub fn dumps_core(&self) -> bool {
        let limits =
            fs::read_to_string(format!("/proc/{}/limits", self.process.child.id())).unwrap();
        let limit = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        !limit.unwrap().contains("  0  ")
    }

    /// Stops it, and gives its log.
    pub fn stop(mut self) -> Vec<String> {
        assert!(self.process.stop(), "it does not stop");
        let log = fs::read(self.home.path().join("log")).unwrap();
        let log = String::from_utf8_lossy(&log);
        log.lines().map(str::to_owned).collect()
    }
}

/// What the database server of the tests has logged, with the settings of the embedded one.
pub async fn postgres_log(database: &SecretString) -> Vec<String> {
    let mut connection = PgConnection::connect(database.expose_secret())
        .await
        .unwrap();
    let folder: String = sqlx::query_scalar("show data_directory")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let log = PathBuf::from(folder).parent().unwrap().join("server.log");
    let log = fs::read(log).unwrap();
    String::from_utf8_lossy(&log)
        .lines()
        .map(str::to_owned)
        .collect()
}
