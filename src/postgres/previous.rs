//! What an earlier process left behind: a server without a master, or a note of one that is gone.
//!
//! The server notes its process in `postmaster.pid` and beside its socket, and refuses to start where a noted process
//! lives. The caller holds the home's lock, so a server that still runs on the cluster is an orphan. A noted process that
//! is a corpse, or some other program by now, must not stand in the way.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::PostgresError;
use super::cluster::Cluster;

/// How long an orphan may take to write everything down and end, then to end at once.
const PATIENCE: [(Signal, Duration); 2] = [
    (Signal::SIGINT, Duration::from_secs(60)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
];
/// The note beside the socket.
const SOCKET_NOTE: &str = ".s.PGSQL.5432.lock";
/// No process has this number: it is above what systems give out.
const NO_PROCESS: i32 = 4_194_305;

/// Makes way for a new server on the cluster, with its socket in this folder of ours.
pub(super) fn make_way(cluster: &Cluster, socket: &Path) -> Result<(), PostgresError> {
    let note = cluster.pid_file();
    let text = match fs::read_to_string(&note) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(PostgresError::io("read", &note)(error)),
    };
    let (pid, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(pid) = pid.trim().parse::<i32>() else {
        // The server itself says best what is wrong with its own file.
        return Ok(());
    };
    if serves(pid, &cluster.files()) {
        stop_orphan(pid, cluster)?;
    } else if kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH) {
        tracing::info!(
            "{} names process {pid}, which is no server of it",
            note.display()
        );
        // Not removed: the rest of it lets the new server find out whether parts of the old one are still at work.
        overwrite(&note, &format!("{NO_PROCESS}\n{rest}"))
            .map_err(PostgresError::io("write", &note))?;
    }
    let socket_note = socket.join(SOCKET_NOTE);
    match fs::remove_file(&socket_note) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(PostgresError::io("remove", &socket_note)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn stop_orphan(pid: i32, cluster: &Cluster) -> Result<(), PostgresError> {
    tracing::warn!(
        "stopping the database server (process {pid}) that an earlier likeness left behind"
    );
    for (signal, patience) in PATIENCE {
        // It may end by itself just now; whether it did is seen below.
        let _ = kill(Pid::from_raw(pid), signal);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if !serves(pid, &cluster.files()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Err(PostgresError::OrphanRemains {
        pid,
        cluster: cluster.files(),
    })
}

/// Keeps the file's owner and mode.
fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// Whether a process is a server of this cluster: servers work in their cluster's folder.
#[cfg(target_os = "linux")]
pub(super) fn serves(pid: i32, cluster: &Path) -> bool {
    let works_in = fs::read_link(format!("/proc/{pid}/cwd"));
    works_in.is_ok_and(|folder| {
        cluster
            .canonicalize()
            .is_ok_and(|cluster| folder == cluster)
    })
}

/// Whether a process is a server of this cluster: its command line names the folder.
#[cfg(not(target_os = "linux"))]
pub(super) fn serves(pid: i32, cluster: &Path) -> bool {
    let listed = std::process::Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output();
    listed.is_ok_and(|output| {
        let command = String::from_utf8_lossy(&output.stdout).into_owned();
        command.contains("postgres") && command.contains(&*cluster.to_string_lossy())
    })
}
