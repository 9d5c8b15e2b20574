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
        let body = json!({"name": self.secrets.list_name, "kind": "alert", "keep_images": true});
        let make = self.request(Method::POST, "/v1/watchlists").json(&body);
        let list = self.hear_own("making a list", make, 201).await.id();
        let again = self.request(Method::POST, "/v1/watchlists").json(&body);
        self.hear("a name that is taken", again, 409).await;
        let path = format!("/v1/watchlists/{list}");
        let block = json!({"kind": "block"});
        for (about, request) in [
            ("reading lists", self.request(Method::GET, "/v1/watchlists")),
            ("reading a list", self.request(Method::GET, &path)),
            (
                "changing a list",
                self.request(Method::PATCH, &path).json(&block),
            ),
        ] {
            self.hear_own(about, request, 200).await;
        }
        list
    }

    pub(super) async fn people(&mut self, list: &str) {
        let path = format!("/v1/watchlists/{list}/subjects");
        let form = Form::new()
            .text("external_id", self.secrets.external_id.clone())
            .text("display_name", self.secrets.name.clone())
            .text("metadata", self.metadata().to_string())
            .text("consent", self.consent().to_string())
            .part("image", self.file(&self.secrets.portrait));
        let make = self.request(Method::POST, &path).multipart(form);
        let subject = self.hear_own("enrolling by form", make, 201).await.id();
        let body = json!({
            "display_name": self.secrets.name,
            "metadata": self.metadata(),
            "image": STANDARD.encode(&self.secrets.portrait),
        });
        let make = self.request(Method::POST, &path).json(&body);
        self.hear_own("enrolling by JSON", make, 201).await;
        let again = json!({"external_id": self.secrets.external_id});
        let again = self.request(Method::POST, &path).json(&again);
        self.hear("a key that is taken", again, 409).await;
        let by_key = format!("{path}/by-external-id/{}", self.secrets.external_id);
        let put = json!({"display_name": self.secrets.name, "metadata": self.metadata()});
        let somebody = format!("{path}/{subject}");
        let faces = format!("{somebody}/faces");
        let image = Form::new().part("image", self.file(&self.secrets.portrait));
        let filtered = format!("{path}?external_id={}", self.secrets.external_id);
        for (about, request, status) in [
            (
                "putting somebody",
                self.request(Method::PUT, &by_key).json(&put),
                200,
            ),
            (
                "another face",
                self.request(Method::POST, &faces).multipart(image),
                201,
            ),
            ("reading people", self.request(Method::GET, &filtered), 200),
            (
                "reading somebody",
                self.request(Method::GET, &somebody),
                200,
            ),
            ("reading faces", self.request(Method::GET, &faces), 200),
            (
                "changing somebody",
                self.request(Method::PATCH, &somebody).json(&put),
                200,
            ),
        ] {
            self.hear_own(about, request, status).await;
        }
        self.note_templates().await;
        self.are_kept().await;
    }

    /// Gives a verification's id.
    pub(super) async fn checks(&mut self, list: &str) -> String {
        let form = self
            .pair()
            .text("external_id", self.secrets.external_id.clone())
            .text("watchlist_ids", list.to_owned())
            .text("metadata", self.metadata().to_string())
            .text("consent", self.consent().to_string());
        let check = self
            .request(Method::POST, "/v1/verifications")
            .multipart(form);
        let made = self.hear_own("checking by form", check, 201).await;
        let (id, decision) = (made.id(), made.json()["decision"].clone());
        assert_eq!(decision, "declined", "the person is on a list of those");
        let body = json!({
            "selfie": STANDARD.encode(&self.secrets.portrait),
            "document": STANDARD.encode(&self.secrets.document),
            "document_back": STANDARD.encode(&self.secrets.document),
            "expected": {"last_names": self.secrets.name, "first_names": "Adrian Theo", "document_number": "UX4821937"},
            "metadata": self.metadata(),
        });
        for about in ["checking by JSON", "the same again"] {
            let check = self.request(Method::POST, "/v1/verifications").json(&body);
            let check = check.header("idempotency-key", &self.secrets.idempotency_key);
            let made = self.hear_own(about, check, 201).await.json();
            let expected = &made["checks"]["document"]["expected"];
            assert_eq!(expected["result"], "pass", "{made}");
        }
        let other = json!({
            "selfie": STANDARD.encode(&self.secrets.portrait),
            "document": STANDARD.encode(&self.secrets.document),
        });
        let other = self.request(Method::POST, "/v1/verifications").json(&other);
        let other = other.header("idempotency-key", &self.secrets.idempotency_key);
        self.hear("another check under its key", other, 422).await;
        self.readings(list, &id).await;
        id
    }

    /// What tells of a check and of faces.
    async fn readings(&mut self, list: &str, check: &str) {
        let listed = format!("/v1/verifications?external_id={}", self.secrets.external_id);
        let path = format!("/v1/verifications/{check}");
        for path in [&listed, &path] {
            let request = self.request(Method::GET, path);
            self.hear_own("reading checks", request, 200).await;
        }
        let portrait = || self.file(&self.secrets.portrait);
        let image = || Form::new().part("image", portrait());
        let compared = Form::new()
            .part("source", portrait())
            .part("target", portrait());
        let search = format!("/v1/watchlists/{list}/search");
        let post = |path: &str, form| self.request(Method::POST, path).multipart(form);
        let detect = post("/v1/faces/detect", image());
        let compare = post("/v1/faces/compare", compared);
        let search = post(&search, image());
        self.hear("finding faces", detect, 200).await;
        self.hear("comparing", compare, 200).await;
        self.hear_own("searching", search, 200).await;
    }

    pub(super) async fn documents(&mut self) {
        let path = "/v1/documents/read";
        let form = Form::new()
            .part("document", self.file(&self.secrets.document))
            .part("document_back", self.file(&self.secrets.document));
        let body = json!({"document": STANDARD.encode(&self.secrets.document)});
        for request in [
            self.request(Method::POST, path).multipart(form),
            self.request(Method::POST, path).json(&body),
        ] {
            let read = self.hear_own("reading a document", request, 200).await;
            let fields = &read.json()["mrz"]["fields"];
            assert_eq!(fields["document_number"], "UX4821937", "{fields}");
        }
        let none = Form::new().part("document", self.file(&self.secrets.no_picture));
        let none = self.request(Method::POST, path).multipart(none);
        self.hear("a document that is no picture", none, 415).await;
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
            let job = self.hear_own("importing", request, 202).await.id();
            self.wait_for(&job).await;
            let path = format!("/v1/jobs/{job}");
            for path in [
                path.clone(),
                format!("{path}/rows"),
                format!("{path}/result"),
                "/v1/jobs".to_owned(),
            ] {
                let read = self.request(Method::GET, &path);
                self.hear_own("reading a job", read, 200).await;
            }
            let cancel = self.request(Method::POST, &format!("{path}/cancel"));
            self.hear_own("cancelling a job", cancel, 200).await;
        }
        let broken = Form::new().part("archive", self.file(&self.secrets.no_picture));
        let broken = self.request(Method::POST, &path).multipart(broken);
        self.hear("no archive", broken, 400).await;
        self.note_templates().await;
        self.are_kept().await;
    }

    async fn wait_for(&mut self, job: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let read = self.request(Method::GET, &format!("/v1/jobs/{job}"));
            let state = self.hear_own("waiting for a job", read, 200).await.json();
            if state["state"] == "succeeded" {
                return;
            }
            assert!(Instant::now() < deadline, "{state}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
