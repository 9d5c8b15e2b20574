//! Where the server's programs and files are: in the home, if its account can reach that.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rand::distr::{Alphanumeric, SampleString as _};

use super::PostgresError;
use super::account::Account;
use crate::assets::PostgresProgram;

/// The folder of the database in the home.
const DATA: &str = "postgres-data";
/// The file in the home with the name of the folder that stands in for it.
const ELSEWHERE: &str = "postgres-data-id";
/// Length of that name.
const ID_CHARACTERS: usize = 16;
/// Where folders that stand in for unreachable ones are.
const SHARED: &str = "/var/lib/likeness";

/// The programs, in a folder that the account can enter.
pub(super) fn program(
    program: &PostgresProgram,
    account: &Account,
) -> Result<PostgresProgram, PostgresError> {
    if account.can_enter(&program.root) {
        return Ok(program.clone());
    }
    let copy = Path::new(SHARED).join(format!("postgres-{}", &program.sha256[..16]));
    Ok(program.copied_to(&copy)?)
}

/// The folder that the home's database is in, if it was made; nothing is made or opened.
pub(super) fn known(home: &Path) -> PathBuf {
    elsewhere(home).unwrap_or_else(|| home.join(DATA))
}

/// The folder that stands in for the one in the home, where the home names one.
fn elsewhere(home: &Path) -> Option<PathBuf> {
    let id = fs::read_to_string(home.join(ELSEWHERE)).ok()?;
    Some(Path::new(SHARED).join(id.trim()))
}

/// The folder of the home's database, which need not exist yet.
///
/// It is in the home, unless a folder above the home is closed to the account (such as /root). Then it is below
/// `/var/lib/likeness`, under a random name that the home keeps: so an emptied home gets an empty database.
pub(super) fn data(home: &Path, account: &Account) -> Result<PathBuf, PostgresError> {
    let in_home = home.join(DATA);
    let id_file = home.join(ELSEWHERE);
    if let Some(folder) = elsewhere(home) {
        return Ok(folder);
    }
    if open_home(home, account)? {
        return Ok(in_home);
    }
    if in_home.exists() {
        let account = account.name().to_owned();
        return Err(PostgresError::Unreachable {
            data: in_home,
            account,
        });
    }
    let id = Alphanumeric.sample_string(&mut rand::rng(), ID_CHARACTERS);
    fs::create_dir_all(SHARED)
        .and_then(|()| fs::set_permissions(SHARED, fs::Permissions::from_mode(0o755)))
        .map_err(PostgresError::io("create", Path::new(SHARED)))?;
    write_private(&id_file, &id).map_err(PostgresError::io("write", &id_file))?;
    let elsewhere = Path::new(SHARED).join(id);
    tracing::info!(
        "keeping the database in {}, since {} is closed to its account",
        elsewhere.display(),
        home.display()
    );
    Ok(elsewhere)
}

/// Whether the account can enter the home; the home itself, which is ours, is opened for it.
fn open_home(home: &Path, account: &Account) -> Result<bool, PostgresError> {
    if account.can_enter(home) {
        return Ok(true);
    }
    let io = || PostgresError::io("open to the database's account", home);
    let mode = fs::metadata(home).map_err(io())?.permissions().mode();
    // To enter, not to list: the keys in it are files that only their owner reads.
    fs::set_permissions(home, fs::Permissions::from_mode(mode | 0o011)).map_err(io())?;
    if account.can_enter(home) {
        return Ok(true);
    }
    fs::set_permissions(home, fs::Permissions::from_mode(mode)).map_err(io())?;
    Ok(false)
}

/// Creates a folder that only the account can enter.
pub(super) fn create_private(folder: &Path, account: &Account) -> Result<(), PostgresError> {
    fs::DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .and_then(|()| account.give(folder))
        .map_err(PostgresError::io("create", folder))
}

/// Writes a new file that only its owner can read.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
