//! The account that the server runs under: PostgreSQL refuses root.

use std::env;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use super::PostgresError;

/// The accounts that are tried when the process is root; the last one is on every system.
const UNPRIVILEGED: [&str; 3] = ["likeness", "postgres", "nobody"];

/// The account that the server runs under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// The one that this process has.
    Own,
    /// An unprivileged one, since this process is root.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// The account for this process.
    pub fn choose() -> Result<Self, PostgresError> {
        if !Uid::effective().is_root() {
            return Ok(Self::Own);
        }
        let known = |name: &str| {
            User::from_name(name)
                .ok()
                .flatten()
                .filter(|user| !user.uid.is_root())
        };
        match UNPRIVILEGED.iter().find_map(|name| known(name)) {
            Some(user) => Ok(Self::Other {
                name: user.name,
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            }),
            None => Err(PostgresError::NoAccount(UNPRIVILEGED.join(", "))),
        }
    }

    /// What it is called, for messages.
    pub fn name(&self) -> &str {
        match self {
            Self::Own => "of this process",
            Self::Other { name, .. } => name,
        }
    }

    /// A command that will run under the account, in a folder that it can enter.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // Of the environment, which may hold secrets and settings of another PostgreSQL, only the way to programs.
        let path = env::vars_os().filter(|(name, _)| name == "PATH");
        command.env_clear().envs(path);
        command.current_dir("/").stdin(Stdio::null());
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Gives a file or folder to the account.
    pub fn give(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)),
        }
    }

    /// Whether the account can enter a folder. Tried rather than computed: modes are not all that may forbid it.
    pub fn can_enter(&self, folder: &Path) -> bool {
        let entered = self
            .command(Path::new("sh"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        entered.is_ok_and(|status| status.success())
    }
}
