//! What tokens have to say where a test does not care.

use std::time::Duration;

use likeness::auth::TokenRules;

pub fn usual() -> TokenRules {
    TokenRules {
        issuer: "likeness".to_owned(),
        audience: "likeness".to_owned(),
        leeway: Duration::from_secs(5),
        max_lifetime: Duration::from_secs(3600),
        token_type: None,
        one_time_scopes: Vec::new(),
    }
}
