//! Who calls: a bearer token becomes a [`Principal`] before a byte of the body is read.
//!
//! [`TokenVerifier`] is the only place that decodes a token. Without a principal nothing under `/v1` is reached, and
//! without the scope that its handler names in its signature, no handler runs. Every refusal looks the same from
//! outside and leaves one line in the log, which names the reason and never the token. Where it cannot be told
//! whether a token is good, the answer is a 5xx.

mod audit;
mod authorized;
mod bearer;
mod header;
mod jwks;
mod keys;
mod middleware;
mod mint;
mod one_time;
mod principal;
mod refusal;
mod request_id;
mod rules;
mod strict;
mod verifier;

pub use audit::AUDIT_TARGET;
pub use authorized::{
    Admin, AuditRead, Authorized, RequiredScope, Review, Verify, WatchlistRead, WatchlistWrite,
};
pub use jwks::JwksSource;
pub use keys::{KeyError, KeyHealth, TokenKeys, home_secret};
pub use middleware::authenticate;
pub use mint::{MintError, TokenRequest, mint};
pub use principal::{Principal, Scope};
pub use refusal::{Refusal, TokenError};
pub use request_id::{RequestId, X_REQUEST_ID};
pub use rules::{OneTime, TokenRules, Verified};
pub use verifier::TokenVerifier;
