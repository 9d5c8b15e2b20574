//! One process at a time has a home's database.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::PostgresError;

/// The file that is locked; it holds the number of the process that has it.
const FILE_NAME: &str = "postgres.lock";

/// How long a process may take to die before its lock counts as that of a living one.
const DYING: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// The right to a home's database, until it is dropped or the process ends in whatever way.
#[derive(Debug)]
pub(super) struct HomeLock {
    _file: File,
}

impl HomeLock {
    pub fn acquire(home: &Path) -> Result<Self, PostgresError> {
        let path = home.join(FILE_NAME);
        let io = |action| PostgresError::io(action, &path);
        let options = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .to_owned();
        let mut file = options.open(&path).map_err(io("create"))?;
        match try_lock_for(&file, DYING) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).unwrap_or_default();
                return Err(PostgresError::InUse {
                    home: home.to_owned(),
                    pid: if pid.is_empty() {
                        "unknown".to_owned()
                    } else {
                        pid
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .map_err(io("write"))?;
        Ok(Self { _file: file })
    }
}

/// Tries until the time is over. A process that was killed holds its lock until the system has cleared it away.
fn try_lock_for(file: &File, time: Duration) -> Result<(), TryLockError> {
    let deadline = Instant::now() + time;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_told_who_the_first_one_is_until_that_one_lets_go() {
        let home = tempfile::tempdir().unwrap();
        let first = HomeLock::acquire(home.path()).unwrap();
        let refused = HomeLock::acquire(home.path()).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(refused.contains(&format!("(process {pid})")), "{refused}");
        drop(first);
        HomeLock::acquire(home.path()).unwrap();
    }
}
