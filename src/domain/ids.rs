//! Identifiers: newtypes over UUIDv7, so that a subject's id can never stand where a watchlist's is wanted.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by the time of its making.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a new id is an event, not a default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID, for the database and the wire.
            #[must_use]
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// One identity check.
    VerificationId
);
id!(
    /// A gallery of subjects to search.
    WatchlistId
);
id!(
    /// A person on a watchlist.
    SubjectId
);
id!(
    /// One enrolled face of a subject.
    FaceId
);
id!(
    /// One change of the model of a watchlist.
    ModelChangeId
);
id!(
    /// One bulk import.
    JobId
);
id!(
    /// The erasure of a person.
    ErasureId
);
id!(
    /// One challenge before a camera.
    LivenessSessionId
);

/// The tenant that owns a record: 1 to 64 characters of `a-z A-Z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TenantId(String);

/// Why a text is not a tenant's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a tenant is 1 to 64 characters of a-z A-Z 0-9 . _ -")]
pub struct InvalidTenant;

impl TenantId {
    /// Checks an untrusted tenant name.
    ///
    /// # Errors
    /// [`InvalidTenant`] when it is empty, too long, or holds another character.
    pub fn parse(text: &str) -> Result<Self, InvalidTenant> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTenant)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_name_is_short_and_plain() {
        assert_eq!(
            TenantId::parse("acme-1.eu").map(|t| t.0),
            Ok("acme-1.eu".to_owned())
        );
        for bad in ["", "a b", "a'b", "ä", &"x".repeat(65)] {
            assert_eq!(TenantId::parse(bad), Err(InvalidTenant), "{bad:?}");
        }
    }
}
