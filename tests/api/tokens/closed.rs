//! Without keys the service does not start, or lets nobody in; it never lets everybody in.

use std::fs;

use likeness::config::JwtKey;
use serde_json::json;

use super::issuer::keys;
use crate::app::{App, Options};

async fn failure_of(key: JwtKey) -> String {
    let options = Options {
        jwt_key: Some(key),
        ..Options::default()
    };
    match App::try_start(options).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_key_file_without_good_keys_keeps_the_service_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let missing = failure_of(JwtKey::PublicKeys(path.clone())).await;
    assert!(missing.contains("keys.json"), "{missing}");
    let oct = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a"});
    let good = keys()[1].jwk();
    for text in [
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
        "not json".to_owned(),
        json!({"keys": []}).to_string(),
        json!({"keys": [oct]}).to_string(),
        json!({"keys": [good, oct]}).to_string(),
        json!({"keys": [good, good]}).to_string(),
        keys()[1].pair.serialize_pem(),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".to_owned(),
    ] {
        fs::write(&path, &text).unwrap();
        let failure = failure_of(JwtKey::PublicKeys(path.clone())).await;
        assert!(failure.contains("keys.json"), "{failure} for {text}");
        assert!(!failure.contains("c2VjcmV0"));
    }
    // A folder can be opened and not read.
    let failure = failure_of(JwtKey::PublicKeys(folder.path().to_owned())).await;
    assert!(failure.contains("cannot use the key file"), "{failure}");
}

#[tokio::test]
async fn certificates_that_cannot_be_read_keep_the_service_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let options = || {
        let path = path.clone();
        super::key_server::options_for(
            "https://issuer.test/",
            std::time::Duration::from_secs(60),
            |jwks| {
                jwks.extra_roots = Some(path);
            },
        )
    };
    for text in [None, Some(""), Some("not a certificate")] {
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let failure = match App::try_start(options()).await {
            Ok(_) => panic!("it started with {text:?}"),
            Err(error) => error.to_string(),
        };
        assert!(failure.contains("ca.pem"), "{failure}");
    }
}
