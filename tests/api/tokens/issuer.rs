//! An issuer with a key of each kind, who signs whatever it is asked to.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto, get_current_timestamp};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData as _};
use serde_json::{Value, json};

use crate::app::{ALL_SCOPES, rules};

/// A key pair and its name.
pub struct Key {
    pub kid: &'static str,
    pub alg: &'static str,
    pub pair: KeyPair,
    pub private: EncodingKey,
    algorithm: Algorithm,
}

/// What an algorithm is called in headers.
pub fn algorithm(name: &str) -> Algorithm {
    name.parse().unwrap()
}

impl Key {
    pub fn new(kid: &'static str, alg: &'static str) -> Self {
        let (pair, private) = match alg {
            "RS256" => {
                let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
                let private = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
                (pair, private)
            }
            "ES256" => {
                let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
                let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
                (pair, private)
            }
            "EdDSA" => {
                let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
                let private = EncodingKey::from_ed_der(pair.serialized_der());
                (pair, private)
            }
            other => panic!("{other}"),
        };
        Self {
            kid,
            alg,
            pair,
            private,
            algorithm: algorithm(alg),
        }
    }

    /// The public half, as a key server shows it.
    pub fn jwk(&self) -> Value {
        let raw = self.pair.der_bytes();
        let mut jwk = match self.alg {
            "RS256" => {
                serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm).unwrap())
                    .unwrap()
            }
            "ES256" => {
                let half = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
                json!({"kty": "EC", "crv": "P-256", "x": half(&raw[1..33]), "y": half(&raw[33..65])})
            }
            _ => json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(raw)}),
        };
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.alg.into();
        jwk
    }

    pub fn header(&self) -> Value {
        json!({"alg": self.alg, "typ": "JWT", "kid": self.kid})
    }

    /// A token of exactly these texts, with a signature that is right for this key.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_as(self.algorithm, header, claims)
    }

    /// The same with another algorithm of the key's family.
    pub fn sign_as(&self, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let signature = crypto::sign(message.as_bytes(), &self.private, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token that is in order.
    pub fn token(&self) -> String {
        self.sign(&self.header(), &claims())
    }
}

/// The signed part of a token.
pub fn message(header: &str, claims: &str) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    )
}

/// A key set, as a key server sends it.
pub fn jwks(keys: &[&Key]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({"keys": keys}).to_string()
}

/// A key of each kind, made once.
pub fn keys() -> &'static [Key; 3] {
    static KEYS: OnceLock<[Key; 3]> = OnceLock::new();
    KEYS.get_or_init(|| {
        [
            Key::new("rsa-1", "RS256"),
            Key::new("ec-1", "ES256"),
            Key::new("ed-1", "EdDSA"),
        ]
    })
}

/// Claims that are in order.
pub fn claims() -> Value {
    let now = get_current_timestamp();
    json!({"sub": "tester", "tenant": "acme", "scope": ALL_SCOPES, "iss": rules().issuer, "aud": rules().audience,
           "iat": now, "exp": now + 600})
}

/// The same with some changed; `null` stays `null`.
pub fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    let changes = changes.as_object().unwrap().clone();
    claims.as_object_mut().unwrap().extend(changes);
    claims
}

/// The same without one.
pub fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}
