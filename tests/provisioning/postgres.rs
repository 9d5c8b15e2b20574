//! The embedded database: started, stopped, killed in every way.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use likeness::assets::{Assets, PostgresProgram};
use likeness::config::Config;
use likeness::postgres::{EmbeddedPostgres, PostgresError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, PgConnection};

/// More than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The programs, from the same folder of assets that the service uses.
pub fn provisioned() -> PostgresProgram {
    let assets = Config::from_env().unwrap().assets;
    Assets::open(&assets).unwrap().ensure_postgres().unwrap()
}

async fn connect(url: &SecretString) -> PgConnection {
    PgConnection::connect(url.expose_secret()).await.unwrap()
}

async fn write_note(url: &SecretString, note: i32) {
    let mut database = connect(url).await;
    sqlx::query("create table if not exists notes (note int)")
        .execute(&mut database)
        .await
        .unwrap();
    sqlx::query("insert into notes values ($1)")
        .bind(note)
        .execute(&mut database)
        .await
        .unwrap();
}

async fn notes(url: &SecretString) -> Vec<i32> {
    let query = sqlx::query_scalar("select note from notes order by note");
    query.fetch_all(&mut connect(url).await).await.unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn note_of_process(home: &Path) -> PathBuf {
    home.join("postgres-data/cluster/postmaster.pid")
}

fn server_process(home: &Path) -> Pid {
    let note = fs::read_to_string(note_of_process(home)).unwrap();
    Pid::from_raw(note.lines().next().unwrap().parse().unwrap())
}

/// `likeness postgres` as a process of its own, and the address that it prints.
fn service(home: &Path) -> (Child, SecretString) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_likeness"))
        .arg("postgres")
        .env("LIKENESS_HOME", home)
        .env("LIKENESS_ASSETS", Config::from_env().unwrap().assets)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    let mut printed = BufReader::new(process.stdout.take().unwrap());
    printed.read_line(&mut url).unwrap();
    (process, url.trim().to_owned().into())
}

#[tokio::test]
async fn a_scratch_database_has_pgvector_and_goes_away_with_its_files() {
    let server = EmbeddedPostgres::start_scratch(&provisioned()).unwrap();
    let mut database = connect(server.url()).await;
    sqlx::query("create extension vector")
        .execute(&mut database)
        .await
        .unwrap();
    let distance: f64 = sqlx::query_scalar("select '[1,0]'::vector <=> '[0,1]'::vector")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(distance, 1.0);
    let files: String = sqlx::query_scalar("show data_directory")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!(Path::new(&files).exists());
    server.stop();
    until("the files are removed", || !Path::new(&files).exists());
}

#[tokio::test]
async fn a_home_keeps_its_database_and_lets_one_process_have_it() {
    let (program, home) = (provisioned(), tempfile::tempdir().unwrap());
    let first = EmbeddedPostgres::start(&program, home.path()).unwrap();
    write_note(first.url(), 1).await;

    let refused = EmbeddedPostgres::start(&program, home.path()).unwrap_err();
    assert!(
        matches!(&refused, PostgresError::InUse { pid, .. } if *pid == std::process::id().to_string()),
        "{refused}"
    );

    first.stop();
    let second = EmbeddedPostgres::start(&program, home.path()).unwrap();
    assert_eq!(notes(second.url()).await, [1]);
}

#[tokio::test]
async fn the_database_listens_on_no_port_and_survives_crashes() {
    let (program, home) = (provisioned(), tempfile::tempdir().unwrap());
    let server = EmbeddedPostgres::start(&program, home.path()).unwrap();
    let mut database = connect(server.url()).await;
    for (setting, expected) in [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
    ] {
        let query = sqlx::query_scalar("select current_setting($1)").bind(setting);
        let value: String = query.fetch_one(&mut database).await.unwrap();
        assert_eq!(value, expected, "{setting}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let server = EmbeddedPostgres::start_scratch(&provisioned()).unwrap();
    let wrong = server
        .url()
        .expose_secret()
        .replace("password=", "password=x");
    let refused = PgConnection::connect(&wrong).await.unwrap_err();
    let code = refused
        .as_database_error()
        .and_then(|error| error.code().map(|code| code.into_owned()));
    assert_eq!(code.as_deref(), Some("28P01"), "{refused}");
}

#[tokio::test]
async fn a_note_of_another_process_does_not_stand_in_the_way() {
    let (program, home) = (provisioned(), tempfile::tempdir().unwrap());
    let server = EmbeddedPostgres::start(&program, home.path()).unwrap();
    write_note(server.url(), 1).await;
    let cluster = home.path().join("postgres-data/cluster");
    let note = fs::read_to_string(note_of_process(home.path())).unwrap();
    server.stop();
    // As after a crash and a restart of the machine: the numbers belong to other programs.
    let (_, rest) = note.split_once('\n').unwrap();
    let own_number = std::process::id();
    fs::write(
        note_of_process(home.path()),
        format!("{own_number}\n{rest}"),
    )
    .unwrap();
    fs::write(
        cluster.with_file_name("socket").join(".s.PGSQL.5432.lock"),
        format!("{own_number}\n"),
    )
    .unwrap();

    let again = EmbeddedPostgres::start(&program, home.path()).unwrap();
    assert_eq!(notes(again.url()).await, [1]);
}

#[tokio::test]
async fn a_killed_service_takes_its_server_with_it() {
    let home = tempfile::tempdir().unwrap();
    let (mut process, url) = service(home.path());
    write_note(&url, 1).await;
    let server = server_process(home.path());
    process.kill().unwrap();
    process.wait().unwrap();
    until("the server ends", || kill(server, None).is_err());
    assert!(
        !note_of_process(home.path()).exists(),
        "it ended in good order"
    );
}

#[tokio::test]
async fn a_start_right_after_a_kill_finds_everything() {
    let home = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let (mut process, url) = service(home.path());
        write_note(&url, round).await;
        if round == 1 {
            kill(server_process(home.path()), Signal::SIGKILL).unwrap();
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let last = EmbeddedPostgres::start(&provisioned(), home.path()).unwrap();
    assert_eq!(notes(last.url()).await, [0, 1, 2]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_orphan_whose_watcher_is_gone_is_stopped_by_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let (mut process, url) = service(home.path());
    write_note(&url, 1).await;
    let server = server_process(home.path());
    // The watcher is stopped first, so that the server outlives the service.
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(arguments) = fs::read(process.path().join("cmdline")) else {
            continue;
        };
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        if arguments.starts_with("sh\0-c") && arguments.contains(&*home.path().to_string_lossy()) {
            let number = process.file_name().to_string_lossy().parse().unwrap();
            kill(Pid::from_raw(number), Signal::SIGKILL).unwrap();
        }
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(kill(server, None).is_ok(), "the server is an orphan now");

    let next = EmbeddedPostgres::start(&provisioned(), home.path()).unwrap();
    until("the orphan ends", || kill(server, None).is_err());
    assert_eq!(notes(next.url()).await, [1]);
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_at_the_same_address() {
    let (program, home) = (provisioned(), tempfile::tempdir().unwrap());
    let server = EmbeddedPostgres::start(&program, home.path()).unwrap();
    write_note(server.url(), 1).await;
    let killed = server_process(home.path());
    kill(killed, Signal::SIGKILL).unwrap();
    let ready = || {
        fs::read_to_string(note_of_process(home.path())).is_ok_and(|note| note.contains("ready"))
    };
    until("a new server is ready", || {
        ready() && server_process(home.path()) != killed
    });
    assert_eq!(notes(server.url()).await, [1]);
}

#[tokio::test]
async fn a_home_with_a_long_name_works() {
    let parent = tempfile::tempdir().unwrap();
    let home = parent
        .path()
        .join("a long name with spaces, and more ".repeat(4));
    let server = EmbeddedPostgres::start(&provisioned(), &home).unwrap();
    write_note(server.url(), 1).await;
    assert_eq!(notes(server.url()).await, [1]);
}
