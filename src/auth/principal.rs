//! The caller that a token stands for.

use std::fmt;

use super::request_id::RequestId;
use crate::domain::audit::Actor;
use crate::domain::ids::TenantId;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Verifications and the face operations that keep nothing.
    Verify,
    /// Reading and searching watchlists.
    WatchlistRead,
    /// Changing watchlists and the people on them.
    WatchlistWrite,
    /// Reading the audit log.
    AuditRead,
    /// Deciding about verifications as a human.
    Review,
    /// Setting how long records are kept, and erasing people.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [
        Self::Verify,
        Self::WatchlistRead,
        Self::WatchlistWrite,
        Self::AuditRead,
        Self::Review,
        Self::Admin,
    ];

    /// The scope as a token spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::WatchlistRead => "watchlist:read",
            Self::WatchlistWrite => "watchlist:write",
            Self::AuditRead => "audit:read",
            Self::Review => "review",
            Self::Admin => "admin",
        }
    }

    /// The known scopes in a token's space-separated list; unknown ones grant nothing.
    #[must_use]
    pub fn parse_list(text: &str) -> Vec<Self> {
        let named = |word: &str| Self::ALL.into_iter().find(|scope| scope.name() == word);
        text.split(' ').filter_map(named).collect()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's `sub`.
    pub subject: String,
    /// The tenant whose records the caller sees.
    pub tenant: TenantId,
    /// What the caller may do.
    pub scopes: Vec<Scope>,
}

impl Principal {
    /// The caller as the one who does what a request asks for.
    #[must_use]
    pub fn acting_in(&self, request: &RequestId) -> Actor {
        Actor {
            tenant: self.tenant.clone(),
            subject: self.subject.clone(),
            request_id: request.to_string(),
        }
    }
}
