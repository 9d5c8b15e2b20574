//! J12 and J15: odd forms, and tokens in the wrong place.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};
use serde_json::{Value, json};

use super::super::issuer::{claims, claims_with, keys};
use super::{Forgery, Sent};

/// J12: demands that are not understood, encryption, compression, size, depth, and encodings.
pub fn unusual(random: &mut StdRng) -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    let mut add = |what: String, token: String| forgeries.push(Forgery::bearer("J12", what, token));
    for key in keys() {
        for (name, value) in [
            ("crit", json!(["exp"])),
            ("crit", json!(["http://example.test/unknown"])),
            ("crit", json!(["alg"])),
            ("crit", json!([])),
            ("crit", json!(null)),
            ("crit", json!("exp")),
            ("b64", json!(false)),
            ("b64", json!(true)),
            ("zip", json!("DEF")),
            ("zip", json!("GZIP")),
            ("zip", json!(null)),
            ("enc", json!("A256GCM")),
            ("enc", json!("none")),
        ] {
            let mut header = key.header();
            header[name] = value.clone();
            add(format!("{name} {value}"), key.sign(&header, &claims()));
        }
        for size in [8_193, 16_384, 65_536, 90_000] {
            let token = key.sign(&key.header(), &claims_with(json!({"x": "x".repeat(size)})));
            add(format!("{size} bytes of a claim"), token);
        }
        for depth in [128, 1_000, 2_500] {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let within = |object: &Value| {
                let text = object.to_string();
                format!("{{\"x\":{deep},{}", &text[1..])
            };
            let header = key.header();
            add(
                format!("{depth} deep in the claims"),
                key.sign_text(&header.to_string(), &within(&claims())),
            );
            add(
                format!("{depth} deep in the header"),
                key.sign_text(&within(&header), &claims().to_string()),
            );
        }
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "\"\"",
            "1",
            "{",
            "<xml/>",
            "\u{feff}{}",
        ] {
            let header = key.header().to_string();
            add(format!("claims {text:?}"), key.sign_text(&header, text));
            let token = key.sign_text(text, &claims().to_string());
            add(format!("header {text:?}"), token);
        }
        let (header, body) = (key.header().to_string(), claims().to_string());
        add(
            "claims and more".to_owned(),
            key.sign_text(&header, &format!("{body}{body}")),
        );
        add(
            "header and more".to_owned(),
            key.sign_text(&format!("{header} x"), &body),
        );
        for (what, token) in encodings(&key.token()) {
            add(what, token);
        }
    }
    for parts in [1, 2, 4, 5, 6, 50] {
        let part = |random: &mut StdRng| {
            let mut bytes = [0; 24];
            random.fill_bytes(&mut bytes);
            URL_SAFE.encode(bytes)
        };
        let token: Vec<String> = (0..parts).map(|_| part(random)).collect();
        add(format!("{parts} parts of noise"), token.join("."));
    }
    let jwe = json!({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": keys()[0].kid}).to_string();
    add(
        "a JWE".to_owned(),
        format!("{}.a2V5.aXY.dGV4dA.dGFn", URL_SAFE.encode(jwe)),
    );
    for _ in 0..200 {
        let length = random.random_range(1..200);
        let noise = (0..length).map(|_| char::from(random.random_range(b'!'..=b'~')));
        add("noise".to_owned(), noise.collect());
    }
    forgeries
}

/// The same token, written in ways that decoders have let pass.
fn encodings(good: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        panic!("a token");
    };
    let again = |part: &str, engine: &dyn Fn(&[u8]) -> String| {
        engine(
            &base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(part)
                .unwrap(),
        )
    };
    let standard = again(signature, &|bytes| STANDARD.encode(bytes));
    let bare = again(signature, &|bytes| STANDARD_NO_PAD.encode(bytes));
    let mut all = vec![
        (
            "padded header".to_owned(),
            format!("{header}=.{claims}.{signature}"),
        ),
        (
            "padded claims".to_owned(),
            format!("{header}.{claims}=.{signature}"),
        ),
        (
            "padded signature".to_owned(),
            format!("{header}.{claims}.{signature}=="),
        ),
        ("a dot more".to_owned(), format!("{good}.")),
        ("a dot before".to_owned(), format!(".{good}")),
        (
            "two dots".to_owned(),
            format!("{header}..{claims}.{signature}"),
        ),
        (
            "a space within".to_owned(),
            format!("{header}. {claims}.{signature}"),
        ),
        ("a comma and more".to_owned(), format!("{good}, {good}")),
        ("in quotes".to_owned(), format!("\"{good}\"")),
        ("percent-encoded dots".to_owned(), good.replace('.', "%2e")),
        (
            "as JSON".to_owned(),
            json!({"payload": claims, "protected": header, "signature": signature}).to_string(),
        ),
    ];
    for (what, other) in [
        ("standard alphabet", bare),
        ("standard alphabet, padded", standard),
    ] {
        if other != *signature {
            all.push((what.to_owned(), format!("{header}.{claims}.{other}")));
        }
    }
    all
}

/// J15: two headers, another scheme, the URL.
pub fn sent_badly() -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for key in keys() {
        let good = key.token();
        let bearer = format!("Bearer {good}").into_bytes();
        let basic = format!("Basic {}", STANDARD.encode(format!("user:{good}")));
        for (what, headers) in [
            (
                "the same header twice",
                vec![bearer.clone(), bearer.clone()],
            ),
            (
                "a good and a bad header",
                vec![bearer.clone(), b"Bearer x".to_vec()],
            ),
            (
                "a bad and a good header",
                vec![b"Bearer x".to_vec(), bearer.clone()],
            ),
            (
                "basic and bearer",
                vec![b"Basic eDp5".to_vec(), bearer.clone()],
            ),
            ("an empty and a good header", vec![Vec::new(), bearer]),
            ("no header", Vec::new()),
            ("an empty header", vec![Vec::new()]),
            ("only the scheme", vec![b"Bearer".to_vec()]),
            ("the scheme and a space", vec![b"Bearer ".to_vec()]),
            ("no scheme", vec![good.clone().into_bytes()]),
            ("basic", vec![basic.into_bytes()]),
            ("DPoP", vec![format!("DPoP {good}").into_bytes()]),
            ("a tab", vec![format!("Bearer\t{good}").into_bytes()]),
            (
                "the scheme twice",
                vec![format!("Bearer Bearer {good}").into_bytes()],
            ),
        ] {
            forgeries.push(Forgery {
                family: "J15",
                what: what.to_owned(),
                sent: Sent::Headers(headers),
            });
        }
        for (name, header) in [
            ("access_token", None),
            ("access_token", Some(good.clone())),
            ("access%5ftoken", Some(good.clone())),
            ("limit=5&access_token", Some(good.clone())),
            ("token", None),
            ("authorization", None),
            ("jwt", None),
        ] {
            let query = format!("{name}={good}");
            forgeries.push(Forgery {
                family: "J15",
                what: format!("{name} in the URL"),
                sent: Sent::Query { query, header },
            });
        }
    }
    forgeries
}
