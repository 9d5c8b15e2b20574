//! One run of the server: started, waited for, stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::cluster::Cluster;
use super::{Durability, PostgresError, last_words};
use crate::assets::PostgresProgram;

/// The script that becomes the server and stops it when this process ends.
const GUARD: &str = include_str!("guard.sh");
/// Most connections at once, those of `psql` and `pg_dump` included.
const MAX_CONNECTIONS: &str = "max_connections=100";
/// The log is put aside at the start when it is larger.
const MAX_LOG_BYTES: u64 = 5 * 1024 * 1024;
/// Recovery after a crash replays up to a gigabyte.
const START_LIMIT: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(10);

/// What a server is started from.
#[derive(Debug)]
pub(super) struct Launch {
    pub program: PostgresProgram,
    pub account: Account,
    pub cluster: Cluster,
    /// The folder of its socket. It opens no port.
    pub socket: PathBuf,
    /// What goes away with it.
    pub remove: Option<PathBuf>,
    pub durability: Durability,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
}

impl Launch {
    /// Starts the server and waits until it takes connections.
    pub fn start(&self) -> Result<Server, PostgresError> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let log_from = self.rotate_log()?;
            let mut server = self.spawn()?;
            match self.wait_until_ready(&mut server, deadline)? {
                None => return Ok(server),
                Some(status) => {
                    let log = self.log_since(log_from);
                    // Backends of a server that was killed finish what they are at before they notice.
                    let old_backends = log.contains("pre-existing shared memory block");
                    if !old_backends || Instant::now() > deadline {
                        return Err(PostgresError::DidNotStart {
                            status,
                            last_words: last_words(&log),
                            log: self.cluster.log(),
                        });
                    }
                    thread::sleep(Duration::from_millis(200));
                }
            }
        }
    }

    fn spawn(&self) -> Result<Server, PostgresError> {
        let log_path = self.cluster.log();
        let open_log = || OpenOptions::new().create(true).append(true).open(&log_path);
        let logs = open_log().and_then(|log| Ok((log.try_clone()?, log)));
        let (out, err) = logs.map_err(PostgresError::io("write", &log_path))?;

        let mut command = self.account.command(Path::new("sh"));
        command
            .args(["-c", GUARD, "sh"])
            .arg(self.remove.as_deref().unwrap_or(Path::new("")));
        command
            .arg(self.program.bin("postgres"))
            .arg("-D")
            .arg(self.cluster.files());
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        command
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            // Away from the terminal: Ctrl-C reaches the service, which stops its database last.
            .process_group(0);
        let child = command
            .spawn()
            .map_err(PostgresError::io("run", Path::new("sh")))?;
        Ok(Server { child })
    }

    fn settings(&self) -> Vec<String> {
        let socket = self.socket.to_string_lossy().replace('"', "\"\"");
        let mut settings = vec![
            "listen_addresses=".to_owned(),
            // A list, whose entries may be quoted.
            format!("unix_socket_directories=\"{socket}\""),
            MAX_CONNECTIONS.to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            // The service logs the faults of its own statements, without the values that may be personal.
            "log_min_messages=log".to_owned(),
            "log_min_error_statement=panic".to_owned(),
            "log_error_verbosity=terse".to_owned(),
            "log_checkpoints=off".to_owned(),
        ];
        if self.durability == Durability::Scratch {
            settings.extend(
                [
                    "fsync=off",
                    "synchronous_commit=off",
                    "full_page_writes=off",
                ]
                .map(str::to_owned),
            );
        }
        settings
    }

    /// Waits until the server notes that it is ready; gives its status where it ends instead.
    fn wait_until_ready(
        &self,
        server: &mut Server,
        deadline: Instant,
    ) -> Result<Option<ExitStatus>, PostgresError> {
        while !self.notes_ready(server) {
            if let Some(status) = server.ended()? {
                return Ok(Some(status));
            }
            if Instant::now() > deadline {
                return Err(PostgresError::NotReady {
                    seconds: START_LIMIT.as_secs(),
                    log: self.cluster.log(),
                });
            }
            thread::sleep(POLL);
        }
        Ok(None)
    }

    /// The first line of the server's note is its process, the eighth its state.
    fn notes_ready(&self, server: &Server) -> bool {
        let note = fs::read_to_string(self.cluster.pid_file()).unwrap_or_default();
        let mut lines = note.lines().map(str::trim);
        lines.next() == Some(&server.child.id().to_string()) && lines.nth(6) == Some("ready")
    }

    /// Puts a large log aside, and returns where the next line will be.
    fn rotate_log(&self) -> Result<u64, PostgresError> {
        let log = self.cluster.log();
        let bytes = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        if bytes <= MAX_LOG_BYTES {
            return Ok(bytes);
        }
        fs::rename(&log, log.with_extension("log.1")).map_err(PostgresError::io("rename", &log))?;
        Ok(0)
    }

    fn log_since(&self, start: u64) -> String {
        let mut text = Vec::new();
        let read = File::open(self.cluster.log()).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.read_to_end(&mut text)
        });
        match read {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => error.to_string(),
        }
    }
}

impl Server {
    /// The server's status, where it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, PostgresError> {
        let status = self
            .child
            .try_wait()
            .map_err(PostgresError::io("wait for", Path::new("postgres")))?;
        if status.is_some() {
            // Tells the watcher; if it is gone as well, nobody needs to know.
            if let Some(mut watcher) = self.child.stdin.take() {
                let _ = watcher.write_all(b"ended\n");
            }
        }
        Ok(status)
    }

    /// Lets the server write everything down, and waits for its end.
    pub fn stop(mut self) -> Result<ExitStatus, PostgresError> {
        // The watcher sees the end of its input and tells the server to stop.
        drop(self.child.stdin.take());
        self.child
            .wait()
            .map_err(PostgresError::io("wait for", Path::new("postgres")))
    }
}
