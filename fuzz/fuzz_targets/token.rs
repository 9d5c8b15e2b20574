//! Tokens: any text is refused, and so is a well-signed one unless all its claims are in order.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use libfuzzer_sys::fuzz_target;
use likeness::auth::{TokenKeys, TokenRules, TokenVerifier};
use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};

const SECRET: &str = "a secret of the fuzzer, of more than 32 bytes";
static VERIFIER: LazyLock<TokenVerifier> = LazyLock::new(|| {
    let rules = TokenRules {
        issuer: "i".to_owned(),
        audience: "a".to_owned(),
        leeway: Duration::ZERO,
        max_lifetime: Duration::from_secs(3600),
        token_type: None,
        one_time_scopes: Vec::new(),
    };
    TokenVerifier::new(TokenKeys::secret(&SecretString::from(SECRET)), rules)
});
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

fuzz_target!(|text: &str| {
    // As it came: nobody signed it.
    assert!(RUNTIME.block_on(VERIFIER.verify(text)).is_err());
    // Well signed, whatever it says: header and claims are encoded here, so that the fuzzer writes plain JSON.
    let (header, claims) = text.split_once('\n').unwrap_or((r#"{"alg":"HS256","typ":"JWT"}"#, text));
    let message = [header, claims].map(base64url).join(".");
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    let token = format!("{message}.{signature}");
    if RUNTIME.block_on(VERIFIER.verify(&token)).is_ok() {
        // Only what names all that is required can be in order.
        for claim in ["exp", "iss", "aud", "sub", "tenant"] {
            assert!(claims.contains(claim) || claims.contains('\\'), "{claims}");
        }
    }
});

fn base64url(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for bytes in text.as_bytes().chunks(3) {
        let padded = [bytes, &[0; 3][bytes.len()..]].concat();
        let number = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for at in 0..=bytes.len() {
            out.push(char::from(ALPHABET[(number >> (18 - 6 * at) & 63) as usize]));
        }
    }
    out
}
