//! Public keys from text: PEM, JWK, JWK set.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::set::{KeySet, VerificationKey};

/// Shortest RSA modulus, in bits.
const MIN_RSA_BITS: usize = 2048;
/// Bytes of a PKCS#1 key around its modulus: two headers, the exponent 65537, and the modulus's leading zero.
const PKCS1_OVERHEAD_BYTES: usize = 14;
const WEAK_RSA: &str = "an RSA key needs at least 2048 bits";

/// What was found in a text.
pub(in crate::auth) struct ParsedKeys {
    pub(in crate::auth) keys: KeySet,
    /// Why keys were not taken, one reason a key.
    pub(in crate::auth) refused: Vec<&'static str>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// A JWK set. None where it is none; a set without usable keys is one.
pub(in crate::auth) fn parse_jwks(text: &str) -> Option<ParsedKeys> {
    let document: Document = serde_json::from_str(text).ok()?;
    Some(collect(document.keys))
}

/// One PEM, one JWK or a JWK set. `Ok(None)` where there is no key.
pub(super) fn parse_file(text: &str) -> Result<Option<ParsedKeys>, &'static str> {
    if text.trim_start().starts_with("-----BEGIN") {
        return Ok(pem_key(text.as_bytes())?.map(|key| ParsedKeys {
            keys: KeySet::of(key),
            refused: Vec::new(),
        }));
    }
    let parsed = parse_jwks(text).or_else(|| {
        let jwk: Value = serde_json::from_str(text).ok()?;
        jwk.get("kty")?;
        Some(collect(vec![jwk]))
    });
    Ok(parsed.filter(|parsed| !parsed.keys.is_empty() || !parsed.refused.is_empty()))
}

fn collect(jwks: Vec<Value>) -> ParsedKeys {
    let mut parsed = ParsedKeys {
        keys: KeySet::default(),
        refused: Vec::new(),
    };
    for jwk in jwks {
        let taken = jwk_key(jwk).and_then(|key| parsed.keys.insert(key));
        parsed.refused.extend(taken.err());
    }
    parsed
}

fn pem_key(pem: &[u8]) -> Result<Option<VerificationKey>, &'static str> {
    let (algorithm, key) = if let Ok(key) = DecodingKey::from_ed_pem(pem) {
        (Algorithm::EdDSA, key)
    } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        (Algorithm::ES256, key)
    } else if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        let bytes = key.try_get_as_bytes().map_or(0, <[u8]>::len);
        if bytes < MIN_RSA_BITS / 8 + PKCS1_OVERHEAD_BYTES {
            return Err(WEAK_RSA);
        }
        (Algorithm::RS256, key)
    } else {
        return Ok(None);
    };
    Ok(Some(VerificationKey {
        id: None,
        algorithm,
        key,
    }))
}

fn jwk_key(jwk: Value) -> Result<VerificationKey, &'static str> {
    if jwk.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err("a JWK set must hold public keys only, and this one holds a secret");
    }
    let jwk: Jwk = serde_json::from_value(jwk).map_err(|_| "a key is not a JWK")?;
    check_purpose(&jwk)?;
    let algorithm = pinned_algorithm(&jwk)?;
    if !matches!(
        (jwk.common.key_algorithm, algorithm),
        (None, _)
            | (Some(KeyAlgorithm::RS256), Algorithm::RS256)
            | (Some(KeyAlgorithm::ES256), Algorithm::ES256)
            | (Some(KeyAlgorithm::EdDSA), Algorithm::EdDSA)
    ) {
        return Err("only RS256, ES256 and EdDSA are accepted");
    }
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| "a key's numbers are not valid")?;
    Ok(VerificationKey {
        id: jwk.common.key_id,
        algorithm,
        key,
    })
}

fn check_purpose(jwk: &Jwk) -> Result<(), &'static str> {
    let verifies = jwk
        .common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let for_signatures = matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    if verifies && for_signatures {
        Ok(())
    } else {
        Err("a key is not for signatures (`use` is not `sig`, or `key_ops` lacks `verify`)")
    }
}

/// The one algorithm of a key, from what it is.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive, and what is not named is refused"
)]
fn pinned_algorithm(jwk: &Jwk) -> Result<Algorithm, &'static str> {
    match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if bits(&rsa.n) < MIN_RSA_BITS => Err(WEAK_RSA),
        AlgorithmParameters::RSA(_) => Ok(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            Ok(Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            Ok(Algorithm::EdDSA)
        }
        _ => Err("only RSA, P-256 and Ed25519 keys are accepted"),
    }
}

/// The length of a number, without the zeros that may stand before it.
fn bits(number: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(number).unwrap_or_default();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = &bytes[zeros..];
    significant.first().map_or(0, |first| {
        significant.len() * 8 - first.leading_zeros() as usize
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn rsa(modulus: &[u8]) -> Value {
        json!({"kty": "RSA", "e": "AQAB", "kid": "r", "n": URL_SAFE_NO_PAD.encode(modulus)})
    }

    fn ed(kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": kid})
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn taken(jwk: Value) -> bool {
        let set = json!({"keys": [jwk]}).to_string();
        let parsed = parse_jwks(&set).unwrap();
        assert_eq!(parsed.refused.len(), usize::from(parsed.keys.is_empty()));
        !parsed.keys.is_empty()
    }

    #[test]
    fn keys_that_could_weaken_the_service_are_not_taken() {
        let strong = [0xff; 256];
        assert!(taken(rsa(&strong)));
        assert!(taken(ed("a")));
        assert!(taken(with(ed("a"), "key_ops", json!(["verify"]))));
        for weak in [
            rsa(&[0xff; 128]),
            rsa(&[0xff; 255]),
            rsa(&[[0; 128], [0xff; 128]].concat()),
            rsa(&[&[0x7f], &strong[1..]].concat()),
            json!({"kty": "oct", "k": X, "kid": "s", "alg": "HS256"}),
            with(ed("a"), "kty", json!("oct")),
            with(rsa(&strong), "use", json!("enc")),
            with(rsa(&strong), "alg", json!("RSA-OAEP")),
            with(rsa(&strong), "alg", json!("HS256")),
            with(rsa(&strong), "alg", json!("RS512")),
            with(ed("a"), "key_ops", json!(["encrypt"])),
            with(ed("a"), "crv", json!("X25519")),
            with(ed("a"), "kid", json!(7)),
            json!({"kty": "EC", "crv": "P-384", "x": X, "y": X}),
            json!({"kty": "new"}),
            json!("key"),
        ] {
            assert!(!taken(weak.clone()), "{weak}");
        }
    }

    #[test]
    fn one_bad_key_does_not_cost_the_others() {
        let oct = json!({"kty": "oct", "k": X});
        let set = json!({"keys": [oct, ed("a"), ed("a"), ed("b")]}).to_string();
        let parsed = parse_jwks(&set).unwrap();
        assert_eq!(parsed.refused.len(), 2);
        let header = |kid: &str| crate::auth::header::TokenHeader {
            algorithm: "EdDSA".to_owned(),
            kid: Some(kid.to_owned()),
            kind: None,
        };
        assert!(parsed.keys.key_for(&header("a")).is_ok());
        assert!(parsed.keys.key_for(&header("b")).is_ok());
        assert!(parsed.keys.key_for(&header("c")).is_err());
    }

    #[test]
    fn what_is_no_key_set_is_told_from_an_empty_one() {
        assert!(parse_jwks(r#"{"keys": []}"#).unwrap().keys.is_empty());
        for other in ["", "[]", "{}", r#"{"keys": {}}"#, "<html>"] {
            assert!(parse_jwks(other).is_none(), "{other}");
        }
    }
}
