//! The service as a process of its own, which can be killed.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use likeness::assets::{Assets, PostgresProgram};
use likeness::config::Config;
use likeness::domain::embedder::Embedder;
use likeness::postgres::EmbeddedPostgres;
use likeness::startup::Application;
use likeness::store::Store;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::signal::unix::{SignalKind, signal};

use crate::backend;
use crate::client::{Client, SECRET};
use crate::support;

/// What tells this program that it was started by itself.
const STARTED_BY_A_TEST: &str = "FAULTS_SERVICE";
/// What makes the log of the service part of the output.
const KEEPS_LOG: &str = "FAULTS_LOG";
const ANNOUNCEMENT: &str = "the service serves on ";
/// More than a start takes on a busy machine, recovery of the database included.
const START_LIMIT: Duration = Duration::from_secs(120);

#[test]
#[ignore = "it is the service that other tests start and kill"]
fn the_service() {
    assert!(std::env::var_os(STARTED_BY_A_TEST).is_some());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).unwrap();
        let config = Config::from_env().unwrap();
        if std::env::var_os(KEEPS_LOG).is_some() {
            drop(likeness::telemetry::init(&config.log, None).unwrap());
        }
        let postgres = config.database.url.is_none().then(|| {
            let program = program();
            EmbeddedPostgres::start(&program, &config.home).unwrap()
        });
        let url = postgres.as_ref().map(EmbeddedPostgres::url);
        let url = url.or(config.database.url.as_ref()).unwrap();
        let connections = config.database.max_connections;
        let store = Store::connect(url, connections).await.unwrap();
        store
            .register_model(Embedder::default().id(), Embedder::default().dimensions())
            .await
            .unwrap();
        let engine = backend::engine(2, config.load.queue_capacity);
        let application = Application::assemble(&config, engine, store, postgres)
            .await
            .unwrap();
        eprintln!("{ANNOUNCEMENT}{}", application.address());
        let stop = async { terminate.recv().await.unwrap() };
        application.run_until(stop).await.unwrap();
    });
}

/// The programs of the embedded database.
pub fn program() -> PostgresProgram {
    let assets = Assets::open(&support::config().assets).unwrap();
    assets.ensure_postgres().unwrap()
}

/// A home and an address that stay, whatever becomes of the processes.
pub struct Place {
    pub home: PathBuf,
    pub listen: String,
    /// A database in place of the home's own.
    database: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self::at(folder.path().to_owned());
        Self {
            _folder: Some(folder),
            ..place
        }
    }

    /// In a folder that somebody else looks after.
    pub fn at(home: PathBuf) -> Self {
        program();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            home,
            listen: listener.local_addr().unwrap().to_string(),
            database: None,
            _folder: None,
        }
    }

    /// The same with a database that is somewhere else.
    pub fn with_database(self, url: &SecretString) -> Self {
        Self {
            database: Some(url.expose_secret().to_owned()),
            ..self
        }
    }

    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.listen))
    }

    /// The settings, for whatever program is started here.
    pub fn settle(&self, command: &mut Command) {
        command
            .env("LIKENESS_HOME", &self.home)
            .env("LIKENESS_ASSETS", support::config().assets)
            .env("LIKENESS_LISTEN", &self.listen)
            .env("LIKENESS_JWT_SECRET", SECRET)
            // What is measured is recovery, and not how a budget refills.
            .env("LIKENESS_RATE_PER_MINUTE", "0")
            .env("LIKENESS_SEARCHES_PER_MINUTE", "0")
            .env_remove("DATABASE_URL");
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
    }

    /// A service that answers, once it does.
    pub fn serve(&self) -> Service {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "process::the_service",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(STARTED_BY_A_TEST, "yes");
        self.settle(&mut command);
        Service::start(command, ANNOUNCEMENT)
    }

    /// The server of the home's database.
    pub fn postmaster(&self) -> Option<Pid> {
        let note = self.note()?;
        Some(Pid::from_raw(note.lines().next()?.parse().ok()?))
    }

    /// What that server notes of itself.
    fn note(&self) -> Option<String> {
        let note = self.home.join("postgres-data/cluster/postmaster.pid");
        std::fs::read_to_string(note).ok()
    }

    /// Waits until another server than this one takes connections.
    pub async fn database_is_back(&self, killed: Pid) {
        let deadline = Instant::now() + START_LIMIT;
        let is_ready = || {
            let note = self.note().unwrap_or_default();
            let mut lines = note.lines().map(str::trim_end);
            lines.any(|line| line == "ready") && self.postmaster() != Some(killed)
        };
        while !is_ready() {
            assert!(Instant::now() < deadline, "the database does not come back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills the server of the home's database.
    pub fn kill_postmaster(&self) {
        let pid = self.postmaster().unwrap();
        kill(pid, Signal::SIGKILL).unwrap();
    }

    /// Kills one of its processes that works for the service, where there is one.
    pub fn kill_backend(&self) -> bool {
        let Some(postmaster) = self.postmaster() else {
            return false;
        };
        let Some(backend) = children(postmaster)
            .into_iter()
            .find(|pid| command_line(*pid).contains("likeness likeness"))
        else {
            return false;
        };
        kill(backend, Signal::SIGKILL).is_ok()
    }
}

fn children(parent: Pid) -> Vec<Pid> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let listed = std::fs::read_to_string(path).unwrap_or_default();
    listed
        .split_whitespace()
        .map(|pid| Pid::from_raw(pid.parse().unwrap()))
        .collect()
}

fn command_line(pid: Pid) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A running process that serves.
pub struct Service {
    process: Child,
}

impl Service {
    /// Starts it and waits until it says that it serves. Its output goes on being read.
    pub fn start(mut command: Command, announcement: &'static str) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut last = Vec::new();
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let line = said.next().and_then(Result::ok);
            let line = line.unwrap_or_else(|| panic!("the service does not start: {last:#?}"));
            if line.contains(announcement) {
                break;
            }
            assert!(Instant::now() < deadline, "not in time: {last:#?}");
            last.push(line);
        }
        let keep = std::env::var_os(KEEPS_LOG).is_some();
        std::thread::spawn(move || {
            for line in said.map_while(Result::ok) {
                if keep {
                    eprintln!("{line}");
                }
            }
        });
        Self { process }
    }

    /// Starts the real program, and waits until it is ready.
    pub async fn start_quiet(mut command: Command, place: &Place) -> Self {
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut service = Self { process };
        let (client, deadline) = (place.client(), Instant::now() + START_LIMIT);
        while client.readiness().await.0 != 200 {
            assert!(service.runs(), "the service does not start");
            assert!(Instant::now() < deadline, "not ready in time");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        service
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.id()).unwrap())
    }

    /// Ends it at once, with all that it held in memory.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop, and tells how it ended and how long that took.
    pub async fn stop(mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        kill(self.pid(), Signal::SIGTERM).unwrap();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return (status, asked.elapsed());
            }
            assert!(
                asked.elapsed() < Duration::from_secs(120),
                "it does not stop"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether this is the long form.
pub fn is_long() -> bool {
    std::env::var_os("FAULTS").is_some_and(|form| form == "long")
}

/// A number from the environment, or that of the short or the long form.
pub fn setting(name: &str, short: u64, long: u64) -> u64 {
    let usual = if is_long() { long } else { short };
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}

/// Reads a file below the sources.
pub fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap()
}
