//! J1 to J3: the header chooses how the token is to be checked.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rand::Rng as _;
use rand::rngs::StdRng;
use rcgen::PublicKeyData as _;
use serde_json::{Value, json};

use super::super::issuer::{Key, algorithm, claims, keys, message};
use super::Forgery;

const ALGORITHMS: [&str; 12] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "EdDSA",
];

/// J1: no signature is wanted.
pub fn unsigned(random: &mut StdRng) -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for alg in [
        "none", "None", "NONE", "nOnE", "noNe", " none", "none ", "nоne", "", "null",
    ] {
        for key in keys() {
            let header = json!({"alg": alg, "typ": "JWT", "kid": key.kid}).to_string();
            let claims = claims().to_string();
            let signed = message(&header, &claims);
            let good = key.sign_text(&header, &claims);
            let mut noise = [0; 64];
            random.fill_bytes(&mut noise);
            let noise = URL_SAFE_NO_PAD.encode(noise);
            for (end, token) in [
                ("no third part", signed.clone()),
                ("an empty signature", format!("{signed}.")),
                ("a right signature", good),
                ("noise", format!("{signed}.{noise}")),
            ] {
                let what = format!("alg {alg:?} with {end}, {}", key.kid);
                forgeries.push(Forgery::bearer("J1", what, token));
            }
        }
    }
    for header in [
        json!({}),
        json!({"alg": null}),
        json!({"alg": []}),
        json!({"alg": 0}),
    ] {
        let token = format!("{}.", message(&header.to_string(), &claims().to_string()));
        forgeries.push(Forgery::bearer("J1", format!("header {header}"), token));
    }
    forgeries
}

/// J2: the public key, which everybody has, as a shared secret.
pub fn confused_with_hmac() -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for key in keys() {
        let jwk = key.jwk();
        for (form, secret) in public_forms(key, &jwk) {
            for alg in ["HS256", "HS384", "HS512"] {
                for kid in [Some(key.kid), None] {
                    let mut header = json!({"alg": alg, "typ": "JWT"});
                    if let Some(kid) = kid {
                        header["kid"] = kid.into();
                    }
                    let token = hmac(alg, &header, &secret);
                    let what = format!("{alg} with {form} of {}, kid {kid:?}", key.kid);
                    forgeries.push(Forgery::bearer("J2", what, token));
                }
            }
        }
    }
    forgeries
}

fn public_forms(key: &Key, jwk: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let pem = key.pair.public_key_pem();
    let der = key.pair.subject_public_key_info();
    let number = jwk.get("n").or_else(|| jwk.get("x")).unwrap();
    let number = number.as_str().unwrap();
    vec![
        ("the PEM", pem.clone().into_bytes()),
        ("the PEM without its end of line", pem.trim_end().into()),
        ("the PEM with CRLF", pem.replace('\n', "\r\n").into_bytes()),
        ("the DER", der.clone()),
        ("the DER in base64", STANDARD.encode(der).into_bytes()),
        ("the bare key", key.pair.der_bytes().to_vec()),
        ("the JWK", jwk.to_string().into_bytes()),
        ("a number in base64", number.as_bytes().to_vec()),
        ("a number", URL_SAFE_NO_PAD.decode(number).unwrap()),
        ("nothing", Vec::new()),
    ]
}

fn hmac(alg: &str, header: &Value, secret: &[u8]) -> String {
    let message = message(&header.to_string(), &claims().to_string());
    let key = EncodingKey::from_secret(secret);
    // The signer refuses an empty secret; the signature over it is what a careless verifier would compute.
    let signature = crypto::sign(message.as_bytes(), &key, algorithm(alg)).unwrap_or_default();
    format!("{message}.{signature}")
}

/// J3: another algorithm than the key's, with signatures that are right for it wherever the key can make one.
pub fn exchanged() -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for key in keys() {
        for named in keys() {
            for alg in ALGORITHMS {
                if alg == key.alg && named.kid == key.kid {
                    continue;
                }
                let header = json!({"alg": alg, "typ": "JWT", "kid": named.kid}).to_string();
                let claims = claims().to_string();
                let with: Algorithm = if key.alg == "RS256"
                    && alg[1..].starts_with('S')
                    && "RP".contains(&alg[..1])
                {
                    algorithm(alg)
                } else {
                    algorithm(key.alg)
                };
                let token = key.sign_as(with, &header, &claims);
                let what = format!("{alg} for {} signed by {}", named.kid, key.kid);
                forgeries.push(Forgery::bearer("J3", what, token));
            }
        }
        for spelling in [
            key.alg.to_lowercase(),
            format!("{} ", key.alg),
            format!("{}\u{0}", key.alg),
        ] {
            if spelling != key.alg {
                let header = json!({"alg": spelling, "kid": key.kid});
                let token = key.sign(&header, &claims());
                forgeries.push(Forgery::bearer("J3", format!("alg {spelling:?}"), token));
            }
        }
    }
    forgeries
}
