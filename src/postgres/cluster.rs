//! A database cluster: the files of one server, made once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::distr::{Alphanumeric, SampleString as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::account::Account;
use super::place::{create_private, write_private};
use super::{Durability, PostgresError, last_words};
use crate::assets::PostgresProgram;

/// The database, and the role that owns it.
pub(super) const NAME: &str = "likeness";
/// Length of the role's random password: 190 bits.
const PASSWORD_CHARACTERS: usize = 32;

/// The files of a server.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    folder: PathBuf,
}

impl Cluster {
    /// The cluster in this folder, made if there is none.
    ///
    /// It is made in a folder beside and renamed, so that an interrupted start leaves no half of one.
    pub fn open_or_create(
        folder: &Path,
        program: &PostgresProgram,
        account: &Account,
        durability: Durability,
    ) -> Result<Self, PostgresError> {
        let cluster = Self::at(folder);
        if cluster.exists() {
            return Ok(cluster);
        }
        let draft = Self::at(&folder.with_extension("new"));
        match fs::remove_dir_all(&draft.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(PostgresError::io("remove", &draft.folder)(error));
            }
            Ok(()) | Err(_) => {}
        }
        tracing::info!("creating the database in {}", folder.display());
        create_private(&draft.folder, account)?;
        draft.initialise(program, account, durability)?;
        let parent = folder.parent().unwrap_or(folder);
        fs::rename(&draft.folder, folder)
            .and_then(|()| fs::File::open(parent)?.sync_all())
            .map_err(PostgresError::io("create", folder))?;
        Ok(cluster)
    }

    /// The cluster in this folder, whether there is one or not.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Whether it was made.
    pub fn exists(&self) -> bool {
        self.files().join("PG_VERSION").exists()
    }

    /// The folder that the server is pointed to.
    pub fn files(&self) -> PathBuf {
        self.folder.join("cluster")
    }

    /// Where the server writes its log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// The file by which the server tells that it runs.
    pub fn pid_file(&self) -> PathBuf {
        self.files().join("postmaster.pid")
    }

    /// The folder that holds all of it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The password of the only role.
    pub fn password(&self) -> Result<SecretString, PostgresError> {
        let path = self.password_file();
        let password = fs::read_to_string(&path).map_err(PostgresError::io("read", &path))?;
        Ok(password.into())
    }

    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    fn initialise(
        &self,
        program: &PostgresProgram,
        account: &Account,
        durability: Durability,
    ) -> Result<(), PostgresError> {
        let password: SecretString = Alphanumeric
            .sample_string(&mut rand::rng(), PASSWORD_CHARACTERS)
            .into();
        let password_file = self.password_file();
        write_private(&password_file, password.expose_secret())
            .and_then(|()| account.give(&password_file))
            .map_err(PostgresError::io("write", &password_file))?;

        let mut initdb = account.command(&program.bin("initdb"));
        initdb
            .args([
                "--username",
                NAME,
                "--auth=scram-sha-256",
                "--data-checksums",
                "--no-instructions",
            ])
            // The same order and rules of case on every machine, whatever locales it has.
            .args([
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ])
            .arg("--pwfile")
            .arg(&password_file)
            .arg("--pgdata")
            .arg(self.files());
        if durability == Durability::Scratch {
            initdb.arg("--no-sync");
        }
        finish("initdb", &mut initdb)?;
        self.create_database(program, account)
    }

    fn create_database(
        &self,
        program: &PostgresProgram,
        account: &Account,
    ) -> Result<(), PostgresError> {
        let statement = tempfile::tempfile().and_then(|mut file| {
            use std::io::{Seek as _, Write as _};
            writeln!(file, "create database {NAME}")?;
            file.rewind()?;
            Ok(file)
        });
        let statement =
            statement.map_err(PostgresError::io("create a file in", &std::env::temp_dir()))?;
        let mut single = account.command(&program.bin("postgres"));
        // Without this, a failed statement would end with success.
        single
            .args(["--single", "-c", "exit_on_error=on", "-D"])
            .arg(self.files())
            .arg("postgres");
        single.stdin(Stdio::from(statement));
        finish("postgres --single", &mut single)
    }
}

/// Runs one of the programs to its end.
fn finish(program: &'static str, command: &mut Command) -> Result<(), PostgresError> {
    let path = PathBuf::from(command.get_program());
    let output = command.output().map_err(PostgresError::io("run", &path))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(PostgresError::ProgramFailed {
        program,
        status: output.status,
        last_words: last_words(&String::from_utf8_lossy(&printed)),
    })
}
