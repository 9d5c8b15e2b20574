//! J6 to J10: tokens with a right signature and wrong claims.

use jsonwebtoken::get_current_timestamp;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::super::issuer::{claims, claims_with, claims_without, keys};
use super::Forgery;
use crate::app::rules;

/// The claims, signed by every key.
fn signed(family: &'static str, claims: &Value) -> impl Iterator<Item = Forgery> {
    let text = claims.to_string();
    keys().iter().map(move |key| {
        let token = key.sign_text(&key.header().to_string(), &text);
        Forgery::bearer(family, format!("{text} signed by {}", key.kid), token)
    })
}

/// The claims as text, signed by one key.
fn signed_text(family: &'static str, claims: &str) -> Forgery {
    let key = &keys()[1];
    let token = key.sign_text(&key.header().to_string(), claims);
    Forgery::bearer(family, claims, token)
}

/// J6: too late or too early. The exact second is tried elsewhere.
pub fn times() -> Vec<Forgery> {
    let now = get_current_timestamp();
    let leeway = rules().leeway.as_secs();
    let expired = [leeway + 1, leeway + 2, 60, 3600, 86_400, now];
    let early = [leeway + 60, 300, 3600, 86_400, 1 << 33];
    let expired = expired
        .map(|ago| claims_with(json!({"iat": now.saturating_sub(ago + 60), "exp": now - ago})));
    let early = early.map(|ahead| claims_with(json!({"nbf": now + ahead})));
    expired
        .iter()
        .chain(&early)
        .flat_map(|claims| signed("J6", claims))
        .collect()
}

/// J7: times of other types, and claims that are there twice.
pub fn types() -> Vec<Forgery> {
    let now = get_current_timestamp();
    let good = claims().to_string();
    let mut forgeries = Vec::new();
    let soon = now + 600;
    for name in ["exp", "nbf", "iat"] {
        let rest = claims_with(json!({name: 0}));
        for value in [
            format!("\"{now}\""),
            format!("\"{soon}\""),
            "\"\"".to_owned(),
            "\"never\"".to_owned(),
            "1e308".to_owned(),
            "-1e308".to_owned(),
            "1e400".to_owned(),
            "-1".to_owned(),
            "-0.5".to_owned(),
            format!("-{now}"),
            "18446744073709551615".to_owned(),
            "18446744073709551616".to_owned(),
            "9223372036854775808".to_owned(),
            "null".to_owned(),
            "true".to_owned(),
            "false".to_owned(),
            "[]".to_owned(),
            format!("[{now}]"),
            "{}".to_owned(),
            format!("{{\"$numberLong\":\"{now}\"}}"),
            "NaN".to_owned(),
            "Infinity".to_owned(),
            "0x7fffffff".to_owned(),
        ] {
            let text = rest
                .to_string()
                .replace(&format!("\"{name}\":0"), &format!("\"{name}\":{value}"));
            forgeries.push(signed_text("J7", &text));
        }
    }
    for name in [
        "exp", "nbf", "iat", "iss", "aud", "sub", "tenant", "scope", "jti", "other",
    ] {
        let value = claims().get(name).cloned().unwrap_or(json!(now));
        let other = if value.is_number() {
            json!(now + 1)
        } else {
            json!("other")
        };
        let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        for (first, last) in [(&value, &value), (&value, &other), (&other, &value)] {
            for twin in [name, &escaped] {
                let rest = if good.contains(&format!("\"{name}\":")) {
                    claims_without(name).to_string()
                } else {
                    good.clone()
                };
                let rest = &rest[1..];
                let text = format!("{{\"{name}\":{first},\"{twin}\":{last},{rest}");
                forgeries.push(signed_text("J7", &text));
            }
        }
    }
    forgeries
}

/// J8: without an end, too long, or from the future.
pub fn lifetimes() -> Vec<Forgery> {
    let now = get_current_timestamp();
    let most = rules().max_lifetime.as_secs();
    let mut all = vec![claims_without("exp")];
    for beyond in [
        most + 1,
        2 * most,
        86_400,
        365 * 86_400,
        1 << 32,
        1 << 39,
        1 << 52,
    ] {
        all.push(claims_with(json!({"exp": now + beyond})));
        let mut undated = claims_without("iat");
        // A minute more: seconds pass until this is looked at, and the count is from then.
        undated["exp"] = (now + beyond + 60).into();
        all.push(undated);
    }
    all.push(claims_with(json!({"iat": now - most, "exp": now + 60})));
    all.push(claims_with(json!({"iat": 0})));
    for ahead in [60, 600, 3600, 86_400, 1 << 33] {
        all.push(claims_with(
            json!({"iat": now + ahead, "exp": now + ahead + 60}),
        ));
    }
    all.iter().flat_map(|claims| signed("J8", claims)).collect()
}

/// J9: from somebody else, for somebody else, about nobody.
pub fn addressees(random: &mut StdRng) -> Vec<Forgery> {
    let (issuer, audience) = (rules().issuer, rules().audience);
    let near = |text: &str| -> Vec<Value> {
        let mut variants = vec![
            json!(format!("{text}/")),
            json!(format!("{text} ")),
            json!(format!(" {text}")),
            json!(format!("{text}\u{0}")),
            json!(format!("{text}.attacker.test")),
            json!(format!("{text}@attacker.test")),
            json!(&text[..text.len() - 1]),
            json!(text.to_uppercase()),
            json!(""),
            json!("*"),
            json!(null),
            json!(0),
            json!(true),
            json!({}),
            json!([]),
            json!([null]),
            json!([[text]]),
            json!({"0": text}),
            json!([format!("{text}/"), text.to_uppercase()]),
            json!([text, 7]),
        ];
        for _ in 0..10 {
            let mut other = text.as_bytes().to_vec();
            let at = random.random_range(0..other.len());
            other[at] ^= 1;
            variants.push(json!(String::from_utf8(other).unwrap()));
        }
        variants
    };
    let mut near = near;
    let mut all: Vec<Value> = Vec::new();
    all.extend(
        near(&issuer)
            .into_iter()
            .map(|iss| claims_with(json!({"iss": iss}))),
    );
    all.extend(
        near(&audience)
            .into_iter()
            .map(|aud| claims_with(json!({"aud": aud}))),
    );
    // Several issuers are none.
    all.push(claims_with(json!({"iss": [issuer]})));
    all.push(claims_with(
        json!({"iss": [issuer, "https://attacker.test"]}),
    ));
    all.push(claims_with(json!({"iss": audience, "aud": issuer})));
    all.extend(["iss", "aud", "sub", "tenant"].map(claims_without));
    for (name, value) in [
        ("sub", json!("")),
        ("sub", json!(null)),
        ("sub", json!(1)),
        ("sub", json!("a\u{0}b")),
        ("sub", json!("s".repeat(256))),
        ("tenant", json!("")),
        ("tenant", json!(null)),
        ("tenant", json!(["acme"])),
        ("tenant", json!("acme' or true --")),
        ("tenant", json!("../other")),
        ("tenant", json!("acme\u{0}")),
        ("tenant", json!("t".repeat(65))),
        ("scope", json!(null)),
        ("scope", json!(["verify"])),
        ("scope", json!({"verify": true})),
    ] {
        all.push(claims_with(json!({name: value})));
    }
    all.iter().flat_map(|claims| signed("J9", claims)).collect()
}

/// J10: tokens that the same issuer signs for other purposes.
pub fn other_kinds() -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for key in keys() {
        for typ in [
            json!("id_token+jwt"),
            json!("refresh+jwt"),
            json!("logout+jwt"),
            json!("secevent+jwt"),
            json!("dpop+jwt"),
            json!("oauth-authz-req+jwt"),
            json!("JOSE"),
            json!("JWE"),
            json!("application/logout+jwt"),
            json!(""),
            json!(null),
            json!(1),
            json!(["JWT"]),
        ] {
            let mut header = key.header();
            header["typ"] = typ.clone();
            let what = format!("typ {typ} by {}", key.kid);
            forgeries.push(Forgery::bearer("J10", what, key.sign(&header, &claims())));
        }
    }
    for other in [
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"typ": "Offline"}),
        json!({"typ": "Logout"}),
        json!({"typ": null}),
        json!({"token_use": "id"}),
        json!({"token_use": "refresh"}),
        json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}),
        json!({"c_hash": "LDktKdoQak3Pk0cnXxCltA"}),
    ] {
        forgeries.extend(signed("J10", &claims_with(other)));
    }
    forgeries
}
