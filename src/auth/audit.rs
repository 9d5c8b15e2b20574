//! The log line that each refused request leaves: what was refused and the code of the reason, never the token.

use super::principal::Scope;
use super::refusal::Refusal;

/// Target of these lines; stable, so that they can be filtered and collected.
pub const AUDIT_TARGET: &str = "likeness::audit";

/// A request without a valid token.
pub(super) fn token_refused(reason: Refusal) {
    tracing::warn!(
        target: AUDIT_TARGET,
        { audit.event = "token_refused", audit.reason = reason.code() },
        "a token was refused"
    );
}

/// A request whose token lacks the scope of the route.
pub(super) fn scope_missing(scope: Scope) {
    tracing::warn!(
        target: AUDIT_TARGET,
        { audit.event = "scope_missing", audit.scope = scope.name() },
        "a token lacks the scope for what was asked"
    );
}
