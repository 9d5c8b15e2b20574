//! Which servers are fit: PostgreSQL 16 and pgvector 0.8.2 or later, which do not forget what they confirmed.

use std::fmt;

use sqlx::PgConnection;

use super::error::StoreError;

/// Oldest server that is known to work, as PostgreSQL counts: major version times 10,000.
const MIN_SERVER: i32 = 160_000;
/// Older pgvector can leak the data of other tables (CVE-2026-3172).
const MIN_PGVECTOR: Version = Version(0, 8, 2);
/// Older pgvector has faults in its approximate indexes, which the service does not use but its owner might.
const GOOD_PGVECTOR: Version = Version(0, 8, 6);

/// A database server that the service does not work with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnsupportedDatabase {
    /// The server itself is too old.
    #[error("PostgreSQL 16 or later is needed, this server is {major}")]
    Server {
        /// Its major version.
        major: i32,
    },
    /// The extension is not there.
    #[error("the server does not offer the extension pgvector; install it beside PostgreSQL")]
    PgvectorMissing,
    /// The extension is too old.
    #[error(
        "pgvector 0.8.2 or later is needed (CVE-2026-3172), this server has {version}; install a newer one and \
         run: alter extension vector update"
    )]
    Pgvector {
        /// What the server reports.
        version: String,
    },
}

/// What a server says about itself.
struct Reported {
    server: i32,
    /// Of the library that is on its disk.
    pgvector_offered: Option<String>,
    /// Of the extension's objects in this database, which lag behind until they are updated.
    pgvector_installed: Option<String>,
    /// Whether a commit outlives a crash of the machine, and whether it is there when it is confirmed.
    fsync: String,
    synchronous_commit: String,
}

/// Refuses a server that is too old, and warns about a doubtful one.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), StoreError> {
    let reported = sqlx::query_as!(
        Reported,
        r#"
        select
            current_setting('server_version_num')::integer as "server!",
            (select default_version from pg_available_extensions where name = 'vector') as pgvector_offered,
            (select extversion from pg_extension where extname = 'vector') as pgvector_installed,
            current_setting('fsync') as "fsync!",
            current_setting('synchronous_commit') as "synchronous_commit!"
        "#
    )
    .fetch_one(connection)
    .await?;
    let pgvector = judge(&reported)?;
    if pgvector < GOOD_PGVECTOR {
        tracing::warn!(pgvector.version = %pgvector, "pgvector is older than {GOOD_PGVECTOR}: an update is advised");
    }
    for setting in reported.forgetful() {
        tracing::warn!(
            postgres.setting = setting,
            "{setting} is off on the database server: what was acknowledged may be lost in a crash"
        );
    }
    Ok(())
}

impl Reported {
    /// The settings by which the server may lose what it has confirmed.
    fn forgetful(&self) -> impl Iterator<Item = &'static str> {
        let settings = [
            ("fsync", &self.fsync),
            ("synchronous_commit", &self.synchronous_commit),
        ];
        let off = settings.into_iter().filter(|(_, value)| *value == "off");
        off.map(|(name, _)| name)
    }
}

/// The version of pgvector that counts: the older one of its library and of its objects.
fn judge(reported: &Reported) -> Result<Version, UnsupportedDatabase> {
    if reported.server < MIN_SERVER {
        let major = reported.server / 10_000;
        return Err(UnsupportedDatabase::Server { major });
    }
    let versions = [&reported.pgvector_offered, &reported.pgvector_installed]
        .into_iter()
        .flatten()
        .map(|text| {
            Version::parse(text)
                .filter(|version| *version >= MIN_PGVECTOR)
                .ok_or_else(|| UnsupportedDatabase::Pgvector {
                    version: text.clone(),
                })
        })
        .collect::<Result<Vec<_>, _>>()?;
    versions
        .into_iter()
        .min()
        .ok_or(UnsupportedDatabase::PgvectorMissing)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => {
                Some(Self(major, minor, patch))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(
        server: i32,
        offered: Option<&str>,
        installed: Option<&str>,
    ) -> Result<Version, UnsupportedDatabase> {
        judge(&Reported {
            server,
            pgvector_offered: offered.map(str::to_owned),
            pgvector_installed: installed.map(str::to_owned),
            fsync: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
        })
    }

    #[test]
    fn a_server_that_may_forget_is_told_by_what_makes_it_so() {
        for (fsync, synchronous_commit, told) in [
            ("on", "on", &[][..]),
            ("on", "remote_write", &[]),
            ("off", "on", &["fsync"]),
            ("on", "off", &["synchronous_commit"]),
            ("off", "off", &["fsync", "synchronous_commit"]),
        ] {
            let reported = Reported {
                server: 180_000,
                pgvector_offered: None,
                pgvector_installed: None,
                fsync: fsync.to_owned(),
                synchronous_commit: synchronous_commit.to_owned(),
            };
            assert!(reported.forgetful().eq(told.iter().copied()));
        }
    }

    #[test]
    fn a_current_server_is_accepted_before_and_after_the_extension_is_installed() {
        assert_eq!(judged(180_000, Some("0.8.5"), None), Ok(Version(0, 8, 5)));
        assert_eq!(
            judged(160_004, Some("0.8.10"), Some("0.8.2")),
            Ok(Version(0, 8, 2))
        );
    }

    #[test]
    fn an_old_server_is_refused_by_its_major_version() {
        assert_eq!(
            judged(150_012, Some("0.8.6"), None),
            Err(UnsupportedDatabase::Server { major: 15 })
        );
    }

    #[test]
    fn an_old_library_or_an_extension_left_behind_is_refused() {
        for (offered, installed) in [
            (Some("0.8.1"), None),
            (Some("0.8.6"), Some("0.8.1")),
            (Some("0.8.1"), Some("0.8.6")),
        ] {
            assert_eq!(
                judged(180_000, offered, installed),
                Err(UnsupportedDatabase::Pgvector {
                    version: "0.8.1".to_owned()
                })
            );
        }
    }

    #[test]
    fn a_version_that_cannot_be_read_is_refused() {
        for text in ["", "0.8", "0.8.2.1", "0.8.x"] {
            assert!(judged(180_000, Some(text), None).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_server_without_pgvector_is_refused() {
        assert_eq!(
            judged(180_000, None, None),
            Err(UnsupportedDatabase::PgvectorMissing)
        );
    }
}
