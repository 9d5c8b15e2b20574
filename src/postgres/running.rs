//! The home's database as somebody finds it who only wants to read it, and perhaps while another process has it.

use std::fs;
use std::path::Path;

use secrecy::SecretString;

use super::cluster::Cluster;
use super::{EmbeddedPostgres, PostgresError, place, previous, url};

/// The line of the server's note that names the folder of its socket, from 0.
const SOCKET_LINE: usize = 4;

/// What there is of a home's database.
#[derive(Debug)]
pub enum Found {
    /// It was never made.
    Nothing,
    /// It is there, and no server runs on it.
    Stopped,
    /// A server runs on it, at this address.
    Running(SecretString),
}

impl EmbeddedPostgres {
    /// Looks for the home's database; starts and makes nothing.
    ///
    /// # Errors
    /// [`PostgresError`] where its files cannot be read.
    pub fn find(home: &Path) -> Result<Found, PostgresError> {
        let cluster = Cluster::at(&place::known(home));
        if !cluster.exists() {
            return Ok(Found::Nothing);
        }
        let note = fs::read_to_string(cluster.pid_file()).unwrap_or_default();
        let lines: Vec<&str> = note.lines().map(str::trim).collect();
        let pid = lines.first().and_then(|line| line.parse::<i32>().ok());
        let running = pid.is_some_and(|pid| previous::serves(pid, &cluster.files()));
        match lines.get(SOCKET_LINE) {
            Some(socket) if running && !socket.is_empty() => {
                Ok(Found::Running(url(Path::new(socket), &cluster.password()?)))
            }
            _ => Ok(Found::Stopped),
        }
    }
}
