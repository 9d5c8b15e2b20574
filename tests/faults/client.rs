//! A client that tells what it knows of the effect of a request.

use std::time::Duration;

use likeness::auth::{TokenRequest, TokenRules, mint};
use likeness::domain::ids::TenantId;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::token_rules;

/// What tokens are signed with.
pub const SECRET: &str = "a secret of the fault harness, of more than 32 bytes";
const SCOPES: &str = "verify watchlist:read watchlist:write audit:read review admin";
/// Longer than the service takes to give a request up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It was done.
    Done(Value),
    /// It was turned away or given up, with a time to try again; it may have had its effect.
    Refused(u16),
    /// There was nobody to send it to.
    NotSent,
    /// It was sent, and there is no whole answer; it may have had its effect.
    Broken,
    /// It was answered as nothing should be.
    Wrong(String),
}

impl Outcome {
    #[track_caller]
    pub fn done(self) -> Value {
        match self {
            Self::Done(body) => body,
            other @ (Self::Refused(_) | Self::NotSent | Self::Broken | Self::Wrong(_)) => {
                panic!("{other:?}")
            }
        }
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// Callers share it.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Client {
    /// A caller of the service at this address.
    pub fn new(base: &str) -> Self {
        Self::patient(base, PATIENCE)
    }

    /// One that waits so long for an answer.
    pub fn patient(base: &str, patience: Duration) -> Self {
        let http = reqwest::Client::builder().timeout(patience);
        Self {
            base: base.to_owned(),
            token: token("acme", Duration::from_secs(12 * 3600)),
            http: http.build().unwrap(),
        }
    }

    /// The same with connections of its own.
    pub fn another(&self) -> Self {
        Self {
            token: self.token.clone(),
            ..Self::new(&self.base)
        }
    }

    pub fn with_token(self, token: String) -> Self {
        Self { token, ..self }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.token)
    }

    /// Sends a request and reads the answer to its end.
    pub async fn send(&self, request: RequestBuilder) -> Outcome {
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Outcome::NotSent,
            Err(_) => return Outcome::Broken,
        };
        let status = answer.status().as_u16();
        let may_try_again = answer.headers().contains_key("retry-after");
        let Ok(text) = answer.text().await else {
            return Outcome::Broken;
        };
        match status {
            200..300 => Outcome::Done(serde_json::from_str(&text).unwrap_or(Value::Null)),
            429 | 503 | 504 if may_try_again => Outcome::Refused(status),
            _ => Outcome::Wrong(format!("{status}: {text}")),
        }
    }

    pub async fn get(&self, path: &str) -> Outcome {
        self.send(self.request(Method::GET, path)).await
    }

    /// Makes a list and gives its id.
    pub async fn watchlist(&self, name: &str) -> String {
        let request = self.request(Method::POST, "/v1/watchlists");
        let body = json!({"name": name, "kind": "alert"});
        let list = self.send(request.json(&body)).await.done();
        list["id"].as_str().unwrap().to_owned()
    }

    pub fn enrolment(&self, list: &str, external_id: &str, picture: Vec<u8>) -> RequestBuilder {
        let form = Form::new()
            .text("external_id", external_id.to_owned())
            .part("image", Part::bytes(picture));
        self.request(Method::POST, &format!("/v1/watchlists/{list}/subjects"))
            .multipart(form)
    }

    pub async fn enrol(&self, list: &str, external_id: &str, picture: Vec<u8>) -> Outcome {
        self.send(self.enrolment(list, external_id, picture)).await
    }

    pub async fn delete(&self, list: &str, subject: &str) -> Outcome {
        let path = format!("/v1/watchlists/{list}/subjects/{subject}");
        self.send(self.request(Method::DELETE, &path)).await
    }

    pub async fn search(&self, list: &str, picture: Vec<u8>) -> Outcome {
        let form = Form::new().part("image", Part::bytes(picture));
        let request = self.request(Method::POST, &format!("/v1/watchlists/{list}/search"));
        self.send(request.multipart(form)).await
    }

    /// Everybody on a list.
    pub async fn subjects(&self, list: &str) -> Vec<Value> {
        self.all(&format!("/v1/watchlists/{list}/subjects?limit=200"))
            .await
    }

    /// Every event of that kind in the audit log.
    pub async fn events(&self, action: &str) -> Vec<Value> {
        self.all(&format!("/v1/audit_events?limit=200&action={action}"))
            .await
    }

    /// A list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{cursor}")).await.done();
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// Whether it says that it is ready, and in how many words.
    pub async fn readiness(&self) -> (u16, Value) {
        let request = self.http.get(format!("{}/readyz", self.base));
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                (status, answer.json().await.unwrap_or(Value::Null))
            }
            Err(_) => (0, Value::Null),
        }
    }
}

/// What tokens have to say.
pub fn rules() -> TokenRules {
    TokenRules {
        max_lifetime: Duration::from_secs(24 * 3600),
        ..token_rules::usual()
    }
}

/// A valid token.
pub fn token(tenant: &str, ttl: Duration) -> String {
    let request = TokenRequest {
        subject: "tester".to_owned(),
        tenant: TenantId::parse(tenant).unwrap(),
        scope: SCOPES.to_owned(),
        ttl,
    };
    mint(&SECRET.into(), &rules(), &request).unwrap()
}

/// Whom a search found, by their keys.
pub fn hits(answer: &Value) -> Vec<&str> {
    let hits = answer["hits"].as_array().unwrap();
    hits.iter()
        .filter_map(|hit| hit["external_id"].as_str())
        .collect()
}
