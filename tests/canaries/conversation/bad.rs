//! Requests that are refused.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::{Conversation, SCOPES};
use crate::secrets::fixture;
use crate::service::SEARCHES;

impl Conversation<'_> {
    /// Tokens that do not get in.
    pub(super) async fn strangers(&mut self) {
        let bad = &self.secrets.bad_token;
        let good = self.token("tester", SCOPES);
        let forged = format!("{}.{bad}", good.rsplit_once('.').unwrap().0);
        let get =
            |this: &Self, query: &str| this.bare(Method::GET, &format!("/v1/watchlists{query}"));
        let bare = |this: &Self| get(this, "");
        let requests = [
            bare(self),
            bare(self).bearer_auth(bad),
            bare(self).bearer_auth(format!("{bad}.{bad}.{bad}")),
            bare(self).bearer_auth(forged),
            bare(self).basic_auth(bad, Some(bad)),
            bare(self).header("authorization", bad.as_str()),
            get(self, &format!("?access_token={bad}")),
            get(self, &format!("?access_token={good}")).bearer_auth(&good),
            bare(self)
                .bearer_auth(&good)
                .header("authorization", bad.as_str()),
        ];
        for request in requests {
            self.hear("a bad token", request, 401).await;
        }
        let narrow = self.token("tester", "verify");
        let narrow = self.bare(Method::GET, "/v1/watchlists").bearer_auth(narrow);
        self.hear("a scope too few", narrow, 403).await;
    }

    /// Values that are not taken, each with a secret in it.
    pub(super) async fn refused(&mut self, list: &str) {
        let refused = &self.secrets.refused;
        let (lists, subjects) = ("/v1/watchlists", format!("/v1/watchlists/{list}/subjects"));
        let bodies = [
            (lists, json!({"name": refused, "kind": refused})),
            (
                lists,
                json!({"name": format!("{refused}{}", "x".repeat(300))}),
            ),
            (lists, json!({"name": format!("{refused}\u{7}")})),
            (lists, json!({"name": refused, "target_fpir": refused})),
            (lists, json!({"name": refused, "unknown": refused})),
            (&subjects, json!({"valid_until": refused})),
            (&subjects, json!({"external_id": format!("{refused}\u{0}")})),
            (
                &subjects,
                json!({"metadata": {"a": format!("{refused}\u{0}")}}),
            ),
            (&subjects, json!({"metadata": {"a": refused.repeat(1000)}})),
            (&subjects, json!({"image": refused})),
            (
                "/v1/verifications",
                json!({"selfie": refused, "document": refused}),
            ),
            ("/v1/verifications", json!({"watchlist_ids": [refused]})),
            (
                "/v1/verifications",
                json!({"policy": {"approve_fmr": refused}}),
            ),
            ("/v1/verifications", json!({"expected": {"sex": refused}})),
            (
                "/v1/verifications",
                json!({"expected": {"date_of_birth": refused}}),
            ),
            ("/v1/verifications", json!({"consent": {"id": [refused]}})),
            ("/v1/verifications", json!({"liveness_session_id": refused})),
            ("/v1/liveness_sessions", json!({"steps": refused})),
            ("/v1/verifications", json!({"policy": refused})),
        ];
        for (path, body) in &bodies {
            let request = self.request(Method::POST, path).json(body);
            self.hear("a value that is not taken", request, 400).await;
        }
        // The name of a member that is not known is told to whoever sent it.
        let unknown = json!({"name": "l", &self.secrets.name: 1});
        let unknown = self.request(Method::POST, lists).json(&unknown);
        self.hear_own("a member that is not known", unknown, 400)
            .await;
        let (query, path) = (&self.secrets.query, &self.secrets.path);
        for (target, status) in [
            (format!("/v1/verifications?limit={query}"), 400),
            (format!("/v1/verifications?cursor={query}"), 400),
            (format!("/v1/verifications?decision={query}"), 400),
            (
                format!("{subjects}?valid={query}&created_after={query}"),
                400,
            ),
            (format!("/v1/watchlists?kind={query}&name=%00{query}"), 400),
            (format!("/v1/liveness_sessions/{path}"), 404),
            (format!("/v1/erasures?cursor={query}"), 400),
            (format!("/v1/jobs/{path}/result"), 404),
            (format!("/healthz?q={query}"), 200),
            (format!("/v1/verifications/{path}"), 404),
            (format!("/v1/{path}"), 404),
            (format!("/{path}?q={query}"), 404),
            (format!("/docs/{path}"), 404),
            (format!("/pages/{path}"), 404),
            (format!("{lists}/{list}/subjects/{path}"), 404),
        ] {
            let request = self.request(Method::GET, &target);
            self.hear("a query or a path", request, status).await;
        }
        let method = Method::from_str(&self.secrets.method).unwrap();
        for (target, status) in [(lists, 405), ("/metrics", 405), ("/nothing", 404)] {
            let request = self.request(method.clone(), target);
            self.hear("a method", request, status).await;
        }
        let wrong = self.request(Method::PUT, lists);
        self.hear("a method of another route", wrong, 405).await;
    }

    /// Pictures and bodies that cannot be read.
    pub(super) async fn malformed(&mut self, list: &str) {
        let portrait = &self.secrets.portrait;
        let half = portrait[..portrait.len() / 2].to_vec();
        let mut large = self.secrets.no_picture.clone();
        large.resize(1_000_001, 0);
        let search = format!("/v1/watchlists/{list}/search");
        for (bytes, status) in [
            (&self.secrets.no_picture, 415),
            (&half, 422),
            (&large, 413),
            (&Vec::new(), 415),
        ] {
            for (path, part) in [("/v1/faces/detect", "image"), (search.as_str(), "image")] {
                let form = Form::new().part(part, self.file(bytes));
                let request = self.request(Method::POST, path).multipart(form);
                self.hear("a picture that is none", request, status).await;
                let body = json!({part: STANDARD.encode(bytes)});
                let request = self.request(Method::POST, path).json(&body);
                self.hear("a picture that is none", request, status).await;
            }
        }
        let form = self.pair().part("selfie", self.file(portrait));
        let twice = self
            .request(Method::POST, "/v1/verifications")
            .multipart(form);
        self.hear("two selfies", twice, 400).await;
        let refused = &self.secrets.refused;
        for (media_type, body, status) in [
            ("application/json", format!("{{\"name\": \"{refused}"), 400),
            (
                "application/json",
                format!("{{\"image\": \"{refused}\", \"image\": \"{refused}\"}}"),
                400,
            ),
            ("application/json", format!("[\"{refused}\"]"), 400),
            ("text/plain", refused.clone(), 415),
            (&format!("text/{refused}"), refused.clone(), 415),
            ("multipart/form-data", refused.clone(), 400),
            (
                "multipart/form-data; boundary=b",
                format!(
                    "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{refused}\r\n\r\n{refused}"
                ),
                400,
            ),
            (
                "multipart/form-data; boundary=b",
                format!("--b\r\n{refused}: {refused}\r\n\r\n{refused}\r\n--b--\r\n"),
                400,
            ),
        ] {
            let request = self
                .request(Method::POST, "/v1/faces/detect")
                .header("content-type", media_type)
                .body(body);
            self.hear("a body that is none", request, status).await;
        }
        // As with members: the name of a part that is not known is told to whoever sent it.
        let unknown = Form::new().text(self.secrets.name.clone(), refused.clone());
        let unknown = self
            .request(Method::POST, "/v1/faces/detect")
            .multipart(unknown);
        self.hear_own("a part that is not known", unknown, 400)
            .await;
    }

    /// Until a budget is used up.
    pub(super) async fn too_many(&mut self, list: &str) {
        let path = format!("/v1/watchlists/{list}/search");
        for turn in 0..=SEARCHES {
            let request = self.request_of("eager", Method::POST, &path);
            let form = Form::new().text("limit", self.secrets.refused.clone());
            let status = if turn < SEARCHES { 400 } else { 429 };
            self.hear("searching too often", request.multipart(form), status)
                .await;
        }
        // One failed before, and five may.
        for turn in 0..6 {
            let form = Form::new()
                .part("selfie", self.file(&self.secrets.portrait))
                .part("document", Part::bytes(fixture("document_biden.jpg")))
                .text("external_id", self.secrets.external_id.clone());
            let request = self
                .request(Method::POST, "/v1/verifications")
                .multipart(form);
            if turn < 4 {
                self.hear_own("failing", request, 201).await;
            } else {
                self.hear("failing too often", request, 429).await;
            }
        }
    }
}
