//! The caller that a token stands for.

use std::fmt;

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
    /// Deciding about verifications as a human.
    Review,
    /// Setting how long records are kept, and erasing people.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [
        Self::Verify,
        Self::WatchlistRead,
        Self::WatchlistWrite,
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
