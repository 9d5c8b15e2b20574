//! Requests that are answered.

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Conversation;

impl Conversation<'_> {
    pub(super) async fn watchlists(&mut self) -> String {
        let body = json!({"name": self.secrets.list_name, "kind": "alert"});
        let make = self.request(Method::POST, "/v1/watchlists").json(&body);
        let list = self.hear("making a list", make, true).await.id();
        let again = self.request(Method::POST, "/v1/watchlists").json(&body);
        self.hear("a name that is taken", again, false).await;
        let path = format!("/v1/watchlists/{list}");
        for (about, request) in [
            ("reading lists", self.request(Method::GET, "/v1/watchlists")),
            ("reading a list", self.request(Method::GET, &path)),
            (
                "changing a list",
                self.request(Method::PATCH, &path)
                    .json(&json!({"kind": "block"})),
            ),
        ] {
            self.hear(about, request, true).await;
        }
        list
    }

    pub(super) async fn people(&mut self, list: &str) {
        let path = format!("/v1/watchlists/{list}/subjects");
        let form = Form::new()
            .text("external_id", self.secrets.external_id.clone())
            .text("display_name", self.secrets.name.clone())
            .text("metadata", self.metadata().to_string())
            .part("image", self.file(&self.secrets.portrait));
        let make = self.request(Method::POST, &path).multipart(form);
        let subject = self.hear("enrolling by form", make, true).await.id();
        let body = json!({
            "display_name": self.secrets.name,
            "metadata": self.metadata(),
            "image": STANDARD.encode(&self.secrets.portrait),
        });
        let make = self.request(Method::POST, &path).json(&body);
        self.hear("enrolling by JSON", make, true).await;
        let again = json!({"external_id": self.secrets.external_id});
        let again = self.request(Method::POST, &path).json(&again);
        self.hear("a key that is taken", again, false).await;
        let by_key = format!("{path}/by-external-id/{}", self.secrets.external_id);
        let put = json!({"display_name": self.secrets.name, "metadata": self.metadata()});
        let faces = format!("{path}/{subject}/faces");
        let image = Form::new().part("image", self.file(&self.secrets.portrait));
        let filtered = format!("{path}?external_id={}", self.secrets.external_id);
        for (about, request) in [
            (
                "putting somebody",
                self.request(Method::PUT, &by_key).json(&put),
            ),
            (
                "another face",
                self.request(Method::POST, &faces).multipart(image),
            ),
            ("reading people", self.request(Method::GET, &filtered)),
            ("reading faces", self.request(Method::GET, &faces)),
            (
                "changing somebody",
                self.request(Method::PATCH, &format!("{path}/{subject}"))
                    .json(&put),
            ),
        ] {
            self.hear(about, request, true).await;
        }
        self.note_templates().await;
    }

    pub(super) async fn checks(&mut self, list: &str) {
        let form = self
            .pair()
            .text("external_id", self.secrets.external_id.clone())
            .text("watchlist_ids", list.to_owned())
            .text("metadata", self.metadata().to_string());
        let check = self
            .request(Method::POST, "/v1/verifications")
            .multipart(form);
        let id = self.hear("checking by form", check, true).await.id();
        let body = json!({
            "selfie": STANDARD.encode(&self.secrets.portrait),
            "document": STANDARD.encode(&self.secrets.document),
            "expected": {"name": self.secrets.name, "mrz": self.secrets.mrz},
            "metadata": self.metadata(),
        });
        let check = self.request(Method::POST, "/v1/verifications").json(&body);
        self.hear("checking by JSON", check, true).await;
        let listed = format!("/v1/verifications?external_id={}", self.secrets.external_id);
        let portrait = || self.file(&self.secrets.portrait);
        let compared = Form::new()
            .part("source", portrait())
            .part("target", portrait());
        let path = format!("/v1/verifications/{id}");
        for (about, request, is_own) in [
            ("reading checks", self.request(Method::GET, &listed), true),
            ("reading a check", self.request(Method::GET, &path), true),
            (
                "erasing a check",
                self.request(Method::DELETE, &path),
                false,
            ),
            (
                "finding faces",
                self.request(Method::POST, "/v1/faces/detect")
                    .multipart(Form::new().part("image", portrait())),
                false,
            ),
            (
                "comparing",
                self.request(Method::POST, "/v1/faces/compare")
                    .multipart(compared),
                false,
            ),
            (
                "searching",
                self.request(Method::POST, &format!("/v1/watchlists/{list}/search"))
                    .multipart(Form::new().part("image", portrait())),
                true,
            ),
        ] {
            self.hear(about, request, is_own).await;
        }
    }

    pub(super) async fn imports(&mut self, list: &str) {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let key = &self.secrets.external_id;
        for (name, bytes) in [
            (format!("{key}-2/good.jpg"), &self.secrets.portrait),
            (format!("{key}-3/bad.jpg"), &self.secrets.no_picture),
        ] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        let archive = zip.finish().unwrap().into_inner();
        let lines = json!({
            "external_id": key, "display_name": self.secrets.name, "metadata": self.metadata(),
            "image": STANDARD.encode(&self.secrets.portrait),
        });
        let path = format!("/v1/watchlists/{list}/imports");
        let form = Form::new().part("archive", self.file(&archive));
        for request in [
            self.request(Method::POST, &path).multipart(form),
            self.request(Method::POST, &path)
                .header("content-type", "application/x-ndjson")
                .body(lines.to_string()),
        ] {
            let job = self.hear("importing", request, true).await.id();
            self.wait_for(&job).await;
            for path in ["", "/rows", "/result"] {
                let read = self.request(Method::GET, &format!("/v1/jobs/{job}{path}"));
                self.hear("reading a job", read, true).await;
            }
        }
        let broken = Form::new().part("archive", self.file(&self.secrets.no_picture));
        let broken = self.request(Method::POST, &path).multipart(broken);
        self.hear("no archive", broken, false).await;
        self.note_templates().await;
    }

    async fn wait_for(&mut self, job: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let read = self.request(Method::GET, &format!("/v1/jobs/{job}"));
            let state = self.hear("waiting for a job", read, true).await.json();
            if state["state"] == "succeeded" {
                return;
            }
            assert!(Instant::now() < deadline, "{state}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
