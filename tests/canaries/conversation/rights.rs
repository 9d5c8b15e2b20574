//! What people decide, what is deleted, and what is left of it.

use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::Conversation;

const ERASURES: &str = "/v1/erasures";

impl Conversation<'_> {
    pub(super) async fn reviews(&mut self, check: &str) {
        let path = format!("/v1/verifications/{check}/review");
        let review = json!({"decision": "declined", "note": self.secrets.note});
        for status in [201, 409] {
            let request = self.request(Method::POST, &path).json(&review);
            if status == 201 {
                self.hear_own("a review", request, status).await;
            } else {
                self.hear("a second review", request, status).await;
            }
        }
        let corrected = Form::new()
            .text("decision", "approved")
            .text("note", self.secrets.note.clone())
            .text("corrects", "1");
        let corrected = self.request(Method::POST, &path).multipart(corrected);
        self.hear_own("a correction", corrected, 201).await;
    }

    pub(super) async fn retention(&mut self) {
        let put = self.request(Method::PUT, "/v1/retention");
        let put = put.json(&json!({"verification_days": 90, "job_days": 90}));
        self.hear("choosing a retention", put, 200).await;
        let get = self.request(Method::GET, "/v1/retention");
        self.hear("reading the retention", get, 200).await;
        let models = self.request(Method::GET, "/v1/models");
        self.hear("reading the models", models, 200).await;
        let wrong = self.request(Method::PUT, "/v1/retention");
        let wrong = wrong.json(&json!({"verification_days": self.secrets.refused}));
        self.hear("a retention that is none", wrong, 400).await;
    }

    /// One thing after the other; the list comes last.
    pub(super) async fn deletions(&mut self, list: &str, check: &str) {
        let subjects = format!("/v1/watchlists/{list}/subjects");
        let everybody = self.request(Method::GET, &subjects);
        let everybody = self.hear_own("reading people", everybody, 200).await.json();
        let nobody_s = |subject: &&Value| subject["external_id"].is_null();
        let subject = everybody["items"].as_array().unwrap().iter();
        let subject = subject.clone().find(nobody_s).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (subject, face) = (text(&subject["id"]), text(&subject["faces"][0]["id"]));
        for (about, path) in [
            (
                "deleting a face",
                format!("{subjects}/{subject}/faces/{face}"),
            ),
            ("deleting somebody", format!("{subjects}/{subject}")),
            ("deleting a check", format!("/v1/verifications/{check}")),
        ] {
            let request = self.request(Method::DELETE, &path);
            self.hear(about, request, 204).await;
            let again = self.request(Method::DELETE, &path);
            self.hear("deleting it again", again, 404).await;
        }
    }

    /// The person is erased; the receipts say nothing of them.
    pub(super) async fn erasures(&mut self, list: &str) {
        let key = &self.secrets.external_id;
        let erase = |body: Value| self.request(Method::POST, ERASURES).json(&body);
        let requests = [
            erase(json!({"external_id": key})),
            erase(json!({"external_id": key, "reason": self.secrets.note})),
        ];
        let mut receipts = Vec::new();
        for request in requests {
            let told = self.hear_own("erasing somebody", request, 201).await;
            let (id, told) = (told.id(), told.json());
            let proof = told["proof_key"].as_str().unwrap();
            self.secrets.told("the key of a proof", proof);
            receipts.push((id, told));
        }
        assert_ne!(receipts[0].1["erased"]["subjects"], 0, "{receipts:?}");
        let paths = receipts.iter().map(|(id, _)| format!("{ERASURES}/{id}"));
        let paths: Vec<String> = paths.collect();
        let first = self.request(Method::GET, &paths[0]);
        self.hear("reading a receipt", first, 200).await;
        let second = self.request(Method::GET, &paths[1]);
        self.hear_own("reading a reason", second, 200).await;
        let latest = self.request(Method::GET, ERASURES);
        self.hear_own("reading receipts", latest, 200).await;
        for path in [
            format!("/v1/watchlists/{list}/subjects?external_id={key}"),
            format!("/v1/verifications?external_id={key}"),
        ] {
            let request = self.request(Method::GET, &path);
            self.hear("looking for whom is erased", request, 200).await;
        }
        let wrong = json!({"external_id": format!("{}\u{0}", self.secrets.refused)});
        let wrong = self.request(Method::POST, ERASURES).json(&wrong);
        self.hear("a key that is none", wrong, 400).await;
    }

    pub(super) async fn audit(&mut self) {
        let query = &self.secrets.query;
        for (query, status) in [
            ("?limit=200".to_owned(), 200),
            (format!("?subject={query}"), 200),
            (format!("?action={query}"), 400),
            (format!("?resource_id={query}"), 400),
        ] {
            let request = self.request(Method::GET, &format!("/v1/audit_events{query}"));
            self.hear("reading the audit log", request, status).await;
        }
    }
}
