//! J4 and J5: keys that the token brings along, and names of keys.

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::super::issuer::{Key, claims, keys};
use super::Forgery;

/// J4: the attacker's key inside the token, or the address of one; signed by the attacker, and by us.
pub fn keys_brought_along(bait: &str) -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for own in keys() {
        let attacker = Key::new(own.kid, own.alg);
        let certificate = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA";
        for (name, value) in [
            ("jwk", attacker.jwk()),
            ("jwk", json!({"kty": "oct", "k": "c2VjcmV0"})),
            ("jku", json!(bait)),
            ("jku", json!(format!("{bait}#https://issuer.test/keys"))),
            ("jku", json!("file:///etc/passwd")),
            ("jku", json!("http://169.254.169.254/latest/meta-data/")),
            ("x5u", json!(bait)),
            ("x5c", json!([certificate])),
        ] {
            for kid in [Some(own.kid), Some("attacker"), None] {
                for signer in [&attacker, own] {
                    let mut header = json!({"alg": own.alg, "typ": "JWT"});
                    header[name] = value.clone();
                    if let Some(kid) = kid {
                        header["kid"] = kid.into();
                    }
                    let by = if std::ptr::eq(signer, own) {
                        "us"
                    } else {
                        "the attacker"
                    };
                    let what = format!("{name} {value}, kid {kid:?}, {} signed by {by}", own.alg);
                    forgeries.push(Forgery::bearer("J4", what, signer.sign(&header, &claims())));
                }
            }
        }
        let token = attacker.sign(&attacker.header(), &claims());
        forgeries.push(Forgery::bearer("J4", "another key under our name", token));
    }
    forgeries
}

/// J5: names of keys that are paths, statements, too long, of another type, of another key, or not there.
pub fn key_ids(random: &mut StdRng) -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for key in keys() {
        let mut ids: Vec<Value> = [
            "../../dev/null",
            "/dev/null",
            "../../../../../../proc/self/environ",
            "file:///dev/null",
            "' or '1'='1",
            "x' union select 'c2VjcmV0' --",
            "; drop table used_tokens",
            "$(id)",
            "|id",
            "${jndi:ldap://x}",
            "{{7*7}}",
            "",
            " ",
            "\u{0}",
            "0",
            "null",
            "undefined",
            "*",
            "%2e%2e%2f",
        ]
        .map(Value::from)
        .into();
        ids.extend([
            json!(format!("{}\u{0}", key.kid)),
            json!(format!(" {}", key.kid)),
            json!(format!("{}\n", key.kid)),
            json!(key.kid.to_uppercase()),
            json!(&key.kid[..key.kid.len() - 1]),
            json!("k".repeat(300)),
            json!("k".repeat(10_000)),
            json!(null),
            json!(1),
            json!(true),
            json!([key.kid]),
            json!({"kid": key.kid}),
        ]);
        for _ in 0..10 {
            let id: String = (0..12)
                .map(|_| char::from(random.random_range(b'!'..=b'~')))
                .collect();
            ids.push(id.into());
        }
        ids.extend(
            keys()
                .iter()
                .filter(|other| other.kid != key.kid)
                .map(|other| other.kid.into()),
        );
        for id in ids {
            let header = json!({"alg": key.alg, "typ": "JWT", "kid": id});
            let what = format!(
                "kid {}",
                id.to_string().chars().take(60).collect::<String>()
            );
            forgeries.push(Forgery::bearer("J5", what, key.sign(&header, &claims())));
        }
        let header = json!({"alg": key.alg, "typ": "JWT"});
        let token = key.sign(&header, &claims());
        forgeries.push(Forgery::bearer("J5", "no kid with three keys", token));
        let twice = format!(
            r#"{{"alg":"{}","kid":"other","kid":"{}"}}"#,
            key.alg, key.kid
        );
        let token = key.sign_text(&twice, &claims().to_string());
        forgeries.push(Forgery::bearer("J5", "kid twice", token));
    }
    forgeries
}
