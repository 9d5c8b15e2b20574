//! The settings of tokens and of the keys that they are checked with.

use reqwest::Url;

use super::reader::Reader;
use super::{Jwks, Jwt, JwtKey};
use crate::auth::Scope;

pub(super) fn jwt(reader: &mut Reader<'_>) -> Jwt {
    let jwks = Jwks {
        refresh: reader.seconds("LIKENESS_JWKS_REFRESH_SECONDS", 1..=3600),
        max_outage: reader.seconds("LIKENESS_JWKS_OUTAGE_SECONDS", 60..=7 * 24 * 3600),
        private_network: reader.yes("LIKENESS_JWKS_PRIVATE_NETWORK"),
        extra_roots: reader.path("LIKENESS_JWKS_CA"),
    };
    if jwks.max_outage < jwks.refresh {
        reader.fault(
            "LIKENESS_JWKS_OUTAGE_SECONDS",
            "has to be at least LIKENESS_JWKS_REFRESH_SECONDS",
        );
    }
    Jwt {
        key: key(reader, jwks.private_network),
        issuer: reader.text("LIKENESS_JWT_ISSUER"),
        audience: reader.text("LIKENESS_JWT_AUDIENCE"),
        leeway: reader.seconds("LIKENESS_JWT_LEEWAY_SECONDS", 0..=30),
        max_lifetime: reader.seconds("LIKENESS_JWT_MAX_LIFETIME_SECONDS", 60..=366 * 24 * 3600),
        token_type: reader.optional("LIKENESS_JWT_TYP"),
        one_time_scopes: one_time_scopes(reader),
        jwks,
    }
}

fn key(reader: &mut Reader<'_>, private_network: bool) -> Option<JwtKey> {
    let secret = reader.secret("LIKENESS_JWT_SECRET");
    let keys = reader.optional("LIKENESS_JWKS");
    match (secret, keys) {
        (Some(_), Some(_)) => {
            reader.fault("LIKENESS_JWKS", "cannot be set together with LIKENESS_JWT_SECRET: tokens are checked with one or the other");
            None
        }
        (Some(secret), None) => Some(JwtKey::Secret(secret)),
        (None, Some(keys)) if keys.contains("://") => key_server(reader, &keys, private_network),
        (None, Some(keys)) => Some(JwtKey::PublicKeys(keys.into())),
        (None, None) => None,
    }
}

fn key_server(reader: &mut Reader<'_>, address: &str, private_network: bool) -> Option<JwtKey> {
    let fault = match Url::parse(address) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "has to be a URL without a user and a password"
        }
        Ok(url) if url.scheme() == "https" => return Some(JwtKey::KeyServer(url)),
        Ok(url) if url.scheme() == "http" && private_network => {
            return Some(JwtKey::KeyServer(url));
        }
        Ok(url) if url.scheme() == "http" => {
            "has to start with https://; only in a private network (LIKENESS_JWKS_PRIVATE_NETWORK) may it be http://"
        }
        Ok(_) | Err(_) => "has to be a file or an https URL",
    };
    reader.fault("LIKENESS_JWKS", fault);
    None
}

fn one_time_scopes(reader: &mut Reader<'_>) -> Vec<Scope> {
    let list = reader.text("LIKENESS_JWT_ONE_TIME_SCOPES");
    let scopes = Scope::parse_list(&list);
    if scopes.len() != list.split_whitespace().count() {
        let known = Scope::ALL.map(Scope::name).join(" ");
        reader.fault(
            "LIKENESS_JWT_ONE_TIME_SCOPES",
            &format!("has to be some of: {known}"),
        );
    }
    scopes
}
