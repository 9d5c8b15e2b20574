//! The embedded database: a PostgreSQL of our own, for those who bring none.
//!
//! It listens on a socket in a private folder and on no port. It runs as a child of this process, under an unprivileged
//! account where this process is root, is started again when it ends by itself, and never outlives this process. Nothing
//! here knows what is stored in it.

mod account;
mod cluster;
mod error;
mod lock;
mod place;
mod previous;
mod running;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

pub use error::PostgresError;
pub use running::Found;

use crate::assets::PostgresProgram;
use account::Account;
use cluster::Cluster;
use lock::HomeLock;
use server::{Launch, Server};

/// Longest path of a socket's folder: systems allow 104 bytes or a little more, the socket's own name included.
const MAX_SOCKET_FOLDER_BYTES: usize = 85;
/// How often the server is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);
/// How long to wait before a failed restart is tried again.
const RESTART_PAUSE: Duration = Duration::from_secs(2);
/// How many lines of a failed program are repeated.
const LAST_LINES: usize = 3;

/// Whether what is written has to outlive a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Durable,
    /// For tests: nothing is synchronised, and everything goes away with the server.
    Scratch,
}

/// A running database. Dropping it stops the server and waits until everything is written.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    url: SecretString,
    stop: Option<Sender<()>>,
    watcher: Option<JoinHandle<()>>,
    /// Let go last.
    _lock: Option<HomeLock>,
}

impl EmbeddedPostgres {
    /// Starts the home's database, which is made on the first start.
    ///
    /// # Errors
    /// [`PostgresError::InUse`] where another process has it; others where it cannot be made or started.
    pub fn start(program: &PostgresProgram, home: &Path) -> Result<Self, PostgresError> {
        fs::create_dir_all(home).map_err(PostgresError::io("create", home))?;
        let lock = HomeLock::acquire(home)?;
        let account = Account::choose()?;
        let folder = place::data(home, &account)?;
        Self::run(program, account, &folder, Durability::Durable, Some(lock))
    }

    /// Starts an empty database that goes away when it is stopped, or when this process ends. It is not safe from crashes.
    ///
    /// # Errors
    /// [`PostgresError`] where it cannot be made or started.
    pub fn start_scratch(program: &PostgresProgram) -> Result<Self, PostgresError> {
        let account = Account::choose()?;
        let folder = private_temporary_folder(&account)?;
        let cluster = folder.path().join("db");
        let running = Self::run(program, account, &cluster, Durability::Scratch, None)?;
        // From here on the server's guard removes it.
        let _ = folder.keep();
        Ok(running)
    }

    /// The address of the database, its password included.
    #[must_use]
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// Stops the server and waits until everything is written.
    pub fn stop(self) {
        drop(self);
    }

    fn run(
        program: &PostgresProgram,
        account: Account,
        folder: &Path,
        durability: Durability,
        lock: Option<HomeLock>,
    ) -> Result<Self, PostgresError> {
        let program = place::program(program, &account)?;
        let cluster = Cluster::open_or_create(folder, &program, &account, durability)?;
        let (socket, socket_is_temporary) = socket_folder(&cluster, &account)?;
        let remove = match durability {
            Durability::Scratch => folder.parent().map(Path::to_owned),
            Durability::Durable => socket_is_temporary.then(|| socket.clone()),
        };
        let url = url(&socket, &cluster.password()?);
        let launch = Launch {
            program,
            account,
            cluster,
            socket,
            remove,
            durability,
        };
        let server = launch.start()?;
        let (stop, stopped) = mpsc::channel();
        let watcher = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || watch(&launch, server, &stopped))
            .map_err(PostgresError::io("watch over", folder))?;
        Ok(Self {
            url,
            stop: Some(stop),
            watcher: Some(watcher),
            _lock: lock,
        })
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        // The watcher takes the end of the channel for the order to stop.
        self.stop = None;
        if let Some(watcher) = self.watcher.take()
            && watcher.join().is_err()
        {
            tracing::error!("the thread that watches over the database panicked");
        }
    }
}

/// Starts the server again when it ends by itself, until it is time to stop.
fn watch(launch: &Launch, server: Server, stopped: &Receiver<()>) {
    let mut server = Some(server);
    let mut pause = WATCH_INTERVAL;
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        pause = WATCH_INTERVAL;
        let running = match &mut server {
            Some(server) => server.ended().map(|status| status.is_none()),
            None => Ok(false),
        };
        match running {
            Ok(true) => continue,
            Ok(false) => tracing::error!("the database server ended by itself; starting it again"),
            Err(error) => tracing::error!("{error}"),
        }
        server = match launch.start() {
            Ok(server) => Some(server),
            Err(error) => {
                tracing::error!("{error}");
                pause = RESTART_PAUSE;
                None
            }
        };
    }
    if let Some(Err(error)) = server.map(Server::stop) {
        tracing::error!("{error}");
    }
}

/// The folder of the socket, and whether it is a temporary one, because the cluster's path is too long for a socket.
fn socket_folder(cluster: &Cluster, account: &Account) -> Result<(PathBuf, bool), PostgresError> {
    let folder = cluster.folder().join("socket");
    if folder.as_os_str().len() > MAX_SOCKET_FOLDER_BYTES {
        return Ok((private_temporary_folder(account)?.keep(), true));
    }
    if !folder.exists() {
        place::create_private(&folder, account)?;
    }
    Ok((folder, false))
}

/// A new folder that only the account can enter.
fn private_temporary_folder(account: &Account) -> Result<TempDir, PostgresError> {
    let usual = std::env::temp_dir();
    let short =
        usual.as_os_str().len() + "/likeness-xxxxxx/db/socket".len() <= MAX_SOCKET_FOLDER_BYTES;
    let parent = if short && account.can_enter(&usual) {
        usual
    } else {
        PathBuf::from("/tmp")
    };
    let folder = tempfile::Builder::new()
        .prefix("likeness-")
        .tempdir_in(&parent);
    let folder = folder.map_err(PostgresError::io("create a folder in", &parent))?;
    account
        .give(folder.path())
        .map_err(PostgresError::io("give away", folder.path()))?;
    Ok(folder)
}

fn url(socket: &Path, password: &SecretString) -> SecretString {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let host: String = socket
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|&byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let (name, password) = (cluster::NAME, password.expose_secret());
    format!("postgres:///{name}?host={host}&user={name}&password={password}").into()
}

/// The end of what a program printed, in one line.
fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_socket_with_unusual_characters_escaped() {
        let url = url(Path::new("/a b/ä&c/socket"), &"secret".to_owned().into());
        let expected =
            "postgres:///likeness?host=/a%20b/%C3%A4%26c/socket&user=likeness&password=secret";
        assert_eq!(url.expose_secret(), expected);
    }

    #[test]
    fn the_end_of_a_programs_output_is_kept_in_one_line() {
        assert_eq!(last_words("a\nb\n\n c \nd\n"), "b / c / d");
        assert_eq!(last_words("\n"), "");
    }
}
