//! One of everything that a tenant can have, for tests that go through all routes.

use std::collections::BTreeMap;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::app::{ALL_SCOPES, Answer, App, pair, person, token};
use crate::embedders::BEFORE;
use crate::imports::{archive, zip};

/// A tenant, and an id of theirs in each collection that a path can name.
pub struct World {
    token: String,
    pub ids: BTreeMap<&'static str, String>,
}

impl World {
    pub async fn of(app: &App, tenant: &str) -> Self {
        let mut world = Self {
            token: token(tenant, ALL_SCOPES),
            ids: BTreeMap::new(),
        };
        let post = |path: &str| world.request(app, Method::POST, path);
        let list = id(post("/v1/watchlists").json(&json!({"name": "people"}))).await;
        let path = format!("/v1/watchlists/{list}");
        let face = Form::new().part("image", Part::bytes(person(1)));
        let subject = Answer::of(post(&format!("{path}/subjects")).multipart(face)).await;
        let subject = subject.expect(StatusCode::CREATED);
        let check = pair(person(1), person(1));
        let check = id(post("/v1/verifications").multipart(check)).await;
        let pictures = archive(zip(&[("ada.jpg", person(2))]));
        let job = id(post(&format!("{path}/imports")).multipart(pictures)).await;
        let move_it = json!({"watchlist_id": list, "switch": "manual"});
        let activate = format!("/v1/models/{}/activate", BEFORE.name());
        id(post(&activate).json(&move_it)).await;
        let session = id(post("/v1/liveness_sessions")).await;
        let nobody = json!({"external_id": "nobody"});
        let erasure = id(post("/v1/erasures").json(&nobody)).await;
        world.ids = BTreeMap::from([
            ("watchlists", list),
            ("subjects", text(&subject["id"])),
            ("faces", text(&subject["faces"][0]["id"])),
            ("verifications", check),
            ("jobs", job),
            ("erasures", erasure),
            ("liveness_sessions", session),
        ]);
        world
    }

    pub fn request(&self, app: &App, method: Method, path: &str) -> RequestBuilder {
        app.bare(method, path).bearer_auth(&self.token)
    }
}

async fn id(request: RequestBuilder) -> String {
    let answer = Answer::of(request).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    text(&answer.body["id"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The collections whose ids a path wants, in order. A key of the caller's own names nothing in particular, and a model is
/// nobody's own.
pub fn collections(path: &str) -> Vec<&str> {
    let segments: Vec<&str> = path.split('/').collect();
    let wanted = segments.windows(2).filter(|pair| {
        pair[1].starts_with('{') && !["by-external-id", "models"].contains(&pair[0])
    });
    wanted.map(|pair| pair[0]).collect()
}

/// The path with these ids in the places of the collections.
pub fn filled(path: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let mut before = "";
    let mut filled = Vec::new();
    for segment in path.split('/') {
        filled.push(match segment.starts_with('{') {
            true if before == "by-external-id" => "a-key",
            true if before == "models" => BEFORE.name(),
            true => ids.next().unwrap(),
            false => segment,
        });
        before = segment;
    }
    filled.join("/")
}
