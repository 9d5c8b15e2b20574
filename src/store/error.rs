//! What can go wrong between the service and its database.

use sqlx::error::DatabaseError;

use super::versions::UnsupportedDatabase;

/// Any error as a cause.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another record has this key already.
    #[error("another record already holds the key {constraint}")]
    Conflict {
        /// The unique constraint that refused it.
        constraint: String,
    },
    /// The record refers to one that does not exist, or no longer.
    #[error("the record refers to something that does not exist ({constraint})")]
    MissingReference {
        /// The foreign key that refused it.
        constraint: String,
    },
    /// The record breaks a rule of the schema.
    #[error("the record breaks the rule {constraint}")]
    Refused {
        /// The check that refused it.
        constraint: String,
    },
    /// The list is in another model than the template.
    #[error("the list is in another model than the template")]
    ModelChanged,
    /// A value that its type cannot hold, such as a text with the character U+0000.
    #[error("a value cannot be stored")]
    InvalidValue(#[source] sqlx::Error),
    /// The database cannot be reached, has no room for another session, or did not answer in time. The same call
    /// may succeed later.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A stored record does not make sense.
    #[error("a stored record is corrupt")]
    Corrupt(#[source] BoxError),
    /// Pictures are to be kept, and none of the configured keys is for new ones.
    #[error("there is no key to keep images under")]
    ImageKeyMissing,
    /// The address of the database cannot be read.
    #[error("the database URL is not valid")]
    InvalidUrl(#[source] sqlx::Error),
    /// The server or its pgvector is too old.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedDatabase),
    /// The session does not have the role or a setting that it asked for.
    #[error("a database session is not set up as required: {0}")]
    UnsafeSession(&'static str),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// Anything else that the database reports.
    #[error("the database reported an error")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "sqlx::Error is non-exhaustive; what is not named is an error of ours or of the driver"
    )]
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(source) => match of_database(source.as_ref()) {
                Class::Conflict(constraint) => Self::Conflict { constraint },
                Class::MissingReference(constraint) => Self::MissingReference { constraint },
                Class::Refused(constraint) => Self::Refused { constraint },
                Class::InvalidValue => Self::InvalidValue(error),
                Class::Unavailable => Self::Unavailable(error),
                Class::Other => Self::Database(error),
            },
            // `Protocol` and `BeginFailed` are what a connection shows that broke off in the middle of an answer.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::Corrupt(error.into())
            }
            _ => Self::Database(error),
        }
    }
}

/// What a report of the database means to a caller.
#[derive(Debug, PartialEq)]
enum Class {
    Conflict(String),
    MissingReference(String),
    Refused(String),
    InvalidValue,
    Unavailable,
    Other,
}

fn of_database(error: &dyn DatabaseError) -> Class {
    let state = error.code().unwrap_or_default();
    of_state(&state, error.constraint().unwrap_or_default())
}

/// By SQLSTATE, see the appendix "PostgreSQL Error Codes" of its manual.
fn of_state(state: &str, constraint: &str) -> Class {
    match state {
        "23505" => Class::Conflict(constraint.to_owned()),
        "23503" => Class::MissingReference(constraint.to_owned()),
        "23514" => Class::Refused(constraint.to_owned()),
        // Cancelled by the statement timeout, a lock or an idle transaction that took too long, a deadlock or
        // serialization failure, a server that has become read-only by a failover.
        "57014" | "55P03" | "25P03" | "40P01" | "40001" | "25006" => Class::Unavailable,
        // The server starts, stops, or has ended the session.
        "57P01" | "57P02" | "57P03" | "57P05" => Class::Unavailable,
        // Connection exceptions; out of disk, memory or connections; errors of the operating system.
        _ if ["08", "53", "58"]
            .iter()
            .any(|class| state.starts_with(class)) =>
        {
            Class::Unavailable
        }
        // Data exceptions: U+0000 in a text or in JSON, NaN in a vector, a number out of range.
        _ if state.starts_with("22") => Class::InvalidValue,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_waiting_is_unavailable() {
        for state in [
            "08006", "53100", "53300", "57014", "57P01", "57P03", "58030",
        ] {
            assert_eq!(of_state(state, ""), Class::Unavailable, "{state}");
        }
    }

    #[test]
    fn a_mistake_of_ours_is_not_called_unavailable() {
        // Undefined table, insufficient privilege, syntax error, aborted transaction.
        for state in ["42P01", "42501", "42601", "25P02"] {
            assert_eq!(of_state(state, ""), Class::Other, "{state}");
        }
    }

    #[test]
    fn a_full_or_closed_pool_is_unavailable() {
        for error in [sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed] {
            assert!(matches!(
                StoreError::from(error),
                StoreError::Unavailable(_)
            ));
        }
    }
}
