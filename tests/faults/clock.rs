//! Clocks that are ten minutes off: that of the token's issuer beside ours, in both directions.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::json;

use crate::backend::person;
use crate::client::{Outcome, SECRET, rules};
use crate::inside::Inside;
use crate::support;

const TEN_MINUTES: i64 = 600;
const HOUR: i64 = 3600;

/// A token of an issuer whose clock is off by so much, for so long.
fn token(clock_off: i64, lifetime: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let issued = i64::try_from(now.as_secs()).unwrap() + clock_off;
    let rules = rules();
    let claims = json!({
        "sub": "tester", "tenant": "acme", "scope": "watchlist:read watchlist:write", "iss": rules.issuer,
        "aud": rules.audience, "iat": issued, "nbf": issued, "exp": issued + lifetime,
    });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_whose_clock_is_ten_minutes_off_neither_opens_nor_breaks_anything() {
    let service = Inside::start(&support::database().await).await;
    let list = service.client.watchlist("door").await;
    for (clock_off, lifetime, taken) in [
        (0, HOUR, true),
        // Behind: what is still good by our clock is taken, what is over is not.
        (-TEN_MINUTES, HOUR, true),
        (-TEN_MINUTES, TEN_MINUTES / 2, false),
        // Ahead: nobody may use a token before it was issued.
        (TEN_MINUTES, HOUR, false),
        // Within the leeway.
        (3, HOUR, true),
    ] {
        let client = service
            .client
            .clone()
            .with_token(token(clock_off, lifetime));
        let answer = client.get("/v1/watchlists").await;
        let refused = matches!(&answer, Outcome::Wrong(said) if said.starts_with("401"));
        let as_expected = if taken { answer.is_done() } else { refused };
        assert!(as_expected, "{clock_off} {lifetime}: {answer:?}");
    }
    // Whoever is let in meanwhile enrols and finds as ever.
    let client = service.client.clone().with_token(token(-TEN_MINUTES, HOUR));
    client.enrol(&list, "somebody", person(1)).await.done();
    let request = client.request(Method::GET, &format!("/v1/watchlists/{list}"));
    let list = client.send(request).await.done();
    assert_eq!(list["subjects"], 1, "{list}");
}
