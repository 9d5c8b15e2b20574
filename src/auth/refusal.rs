//! Why a token does not get in: for the log, never for the caller, who learns only that it does not.

use std::fmt;

use crate::error::{ApiError, ErrorCode};
use crate::store::StoreError;

/// What is wrong with a token, or with how it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no `Authorization` header, or none that is text.
    Missing,
    /// There are several.
    Repeated,
    /// The header holds something other than a bearer token.
    Scheme,
    /// A token stands in the URL, where logs and histories keep it.
    InUrl,
    /// It is longer than any token of ours.
    TooLong,
    /// It is no signed token in compact form, or its JSON names something twice.
    Malformed,
    /// Its header brings a key, or asks for what is not supported.
    Header,
    /// It is a token of another kind.
    Kind,
    /// Its algorithm is not the one of the key.
    Algorithm,
    /// No key has its id.
    UnknownKey,
    /// The key did not sign it.
    Signature,
    /// A claim is missing or of the wrong type.
    Claims,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It says that it was issued in the future.
    IssuedLater,
    /// It lasts longer than tokens may.
    Lifetime,
    /// Somebody else issued it.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// Its subject is no name.
    Subject,
    /// Its tenant is no tenant's name.
    Tenant,
    /// It is good for one request and has no id to remember it by.
    NoId,
    /// It was good for one request, and that has been made.
    Replayed,
}

impl Refusal {
    /// The stable code that the audit line names.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Repeated => "repeated",
            Self::Scheme => "scheme",
            Self::InUrl => "in_url",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Header => "header",
            Self::Kind => "kind",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedLater => "issued_later",
            Self::Lifetime => "lifetime",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Subject => "subject",
            Self::Tenant => "tenant",
            Self::NoId => "no_id",
            Self::Replayed => "replayed",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is not in order.
    #[error("the token was refused: {0}")]
    Refused(Refusal),
    /// It cannot be told: there are no keys to check it with.
    #[error("the issuer's keys are not known: its key server has not answered for too long")]
    KeysUnknown,
    /// It cannot be told: the database does not say whether it was used before.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(_) => Self::new(ErrorCode::Unauthenticated),
            error @ TokenError::KeysUnknown => Self::caused_by(ErrorCode::Unavailable, error),
            TokenError::Store(error) => error.into(),
        }
    }
}
