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
            self.hear("a bad token", request, false).await;
        }
        let narrow = self.token("tester", "verify");
        let narrow = self.bare(Method::GET, "/v1/watchlists").bearer_auth(narrow);
        self.hear("a scope too few", narrow, false).await;
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
            ("/v1/verifications", json!({"policy": refused})),
        ];
        for (path, body) in &bodies {
            let request = self.request(Method::POST, path).json(body);
            self.hear("a value that is not taken", request, false).await;
        }
        // The name of a member that is not known is told to whoever sent it.
        let unknown = json!({"name": "l", &self.secrets.name: 1});
        let unknown = self.request(Method::POST, lists).json(&unknown);
        self.hear("a member that is not known", unknown, true).await;
        let (query, path) = (&self.secrets.query, &self.secrets.path);
        for target in [
            format!("/v1/verifications?limit={query}"),
            format!("/v1/verifications?cursor={query}"),
            format!("/v1/verifications?decision={query}"),
            format!("{subjects}?valid={query}&created_after={query}"),
            format!("/v1/watchlists?kind={query}&name=%00{query}"),
            format!("/healthz?q={query}"),
            format!("/v1/verifications/{path}"),
            format!("/v1/{path}"),
            format!("/{path}?q={query}"),
            format!("/docs/{path}"),
            format!("{lists}/{list}/subjects/{path}"),
        ] {
            let request = self.request(Method::GET, &target);
            self.hear("a query or a path", request, false).await;
        }
        let method = Method::from_str(&self.secrets.method).unwrap();
        for target in [lists, "/metrics", "/nothing"] {
            let request = self.request(method.clone(), target);
            self.hear("a method", request, false).await;
        }
        let wrong = self.request(Method::PUT, lists);
        self.hear("a method of another route", wrong, false).await;
    }

    /// Pictures and bodies that cannot be read.
    pub(super) async fn malformed(&mut self, list: &str) {
        let portrait = &self.secrets.portrait;
        let half = portrait[..portrait.len() / 2].to_vec();
        let mut large = self.secrets.no_picture.clone();
        large.resize(1_000_001, 0);
        let search = format!("/v1/watchlists/{list}/search");
        for bytes in [&self.secrets.no_picture, &half, &large, &Vec::new()] {
            for (path, part) in [("/v1/faces/detect", "image"), (search.as_str(), "image")] {
                let form = Form::new().part(part, self.file(bytes));
                let request = self.request(Method::POST, path).multipart(form);
                self.hear("a picture that is none", request, false).await;
                let body = json!({part: STANDARD.encode(bytes)});
                let request = self.request(Method::POST, path).json(&body);
                self.hear("a picture that is none", request, false).await;
            }
        }
        let form = self.pair().part("selfie", self.file(portrait));
        let twice = self
            .request(Method::POST, "/v1/verifications")
            .multipart(form);
        self.hear("two selfies", twice, false).await;
        let refused = &self.secrets.refused;
        for (media_type, body) in [
            ("application/json", format!("{{\"name\": \"{refused}")),
            (
                "application/json",
                format!("{{\"image\": \"{refused}\", \"image\": \"{refused}\"}}"),
            ),
            ("application/json", format!("[\"{refused}\"]")),
            ("text/plain", refused.clone()),
            (&format!("text/{refused}"), refused.clone()),
            ("multipart/form-data", refused.clone()),
            (
                "multipart/form-data; boundary=b",
                format!(
                    "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{refused}\r\n\r\n{refused}"
                ),
            ),
            (
                "multipart/form-data; boundary=b",
                format!("--b\r\n{refused}: {refused}\r\n\r\n{refused}\r\n--b--\r\n"),
            ),
        ] {
            let request = self
                .request(Method::POST, "/v1/faces/detect")
                .header("content-type", media_type)
                .body(body);
            self.hear("a body that is none", request, false).await;
        }
        // As with members: the name of a part that is not known is told to whoever sent it.
        let unknown = Form::new().text(self.secrets.name.clone(), refused.clone());
        let unknown = self
            .request(Method::POST, "/v1/faces/detect")
            .multipart(unknown);
        self.hear("a part that is not known", unknown, true).await;
    }

    /// Until a budget is used up.
    pub(super) async fn too_many(&mut self, list: &str) {
        let path = format!("/v1/watchlists/{list}/search");
        for _ in 0..=SEARCHES {
            let request = self.request_of("eager", Method::POST, &path);
            let form = Form::new().text("limit", self.secrets.refused.clone());
            self.hear("searching too often", request.multipart(form), false)
                .await;
        }
        for _ in 0..6 {
            let form = Form::new()
                .part("selfie", self.file(&self.secrets.portrait))
                .part("document", Part::bytes(fixture("document_biden.jpg")))
                .text("external_id", self.secrets.external_id.clone());
            let request = self
                .request(Method::POST, "/v1/verifications")
                .multipart(form);
            self.hear("failing too often", request, true).await;
        }
        let last = self.answers.last().unwrap();
        assert_eq!(last.status, 429, "{}", last.json());
    }
}
