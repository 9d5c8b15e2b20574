//! Who calls: a bearer token becomes a [`Principal`] before a byte of the body is read.
//!
//! [`TokenVerifier`] is the only place that decodes a token. Without a principal nothing under `/v1` is reached, and
//! without the scope that its handler names in its signature, no handler runs.

mod authorized;
mod keys;
mod middleware;
mod mint;
mod principal;
mod verifier;

pub use authorized::{Authorized, RequiredScope, Verify, WatchlistRead, WatchlistWrite};
pub use keys::{KeyError, TokenKeys, home_secret};
pub use middleware::authenticate;
pub use mint::{MintError, TokenRequest, mint};
pub use principal::{Principal, Scope};
pub use verifier::{Refusal, TokenRules, TokenVerifier};
