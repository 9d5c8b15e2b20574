//! Every kind of request, good and bad, with something secret in each place that takes anything.

mod bad;
mod faults;
mod good;
mod moves;
mod open;
mod rights;
mod sessions;

use std::time::Duration;

use half::f16;
use likeness::auth::{TokenRequest, mint};
use likeness::domain::embedder::Embedder;
use likeness::domain::ids::TenantId;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::secrets::Secrets;
use crate::service::Service;
use crate::token_rules;

/// Every scope.
const SCOPES: &str = "verify watchlist:read watchlist:write review audit:read admin";

/// An answer with all that came with it.
pub struct Answer {
    pub about: String,
    pub method: Method,
    pub path: String,
    pub status: u16,
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// Whether it shows a record to the tenant who made it.
    pub is_own_record: bool,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    #[track_caller]
    fn id(&self) -> String {
        let body = self.json();
        let id = body["id"].as_str();
        id.unwrap_or_else(|| panic!("{}: {body}", self.about))
            .to_owned()
    }
}

pub struct Conversation<'a> {
    service: &'a Service,
    secrets: &'a Secrets,
    database: SecretString,
    client: Client,
    answers: Vec<Answer>,
    templates: Vec<Vec<u8>>,
}

impl<'a> Conversation<'a> {
    pub fn new(service: &'a Service, secrets: &'a Secrets, database: &SecretString) -> Self {
        let client = Client::builder().tls_danger_accept_invalid_certs(true);
        Self {
            service,
            secrets,
            database: database.clone(),
            client: client.build().unwrap(),
            answers: Vec::new(),
            templates: Vec::new(),
        }
    }

    pub async fn everything(&mut self) {
        let list = self.watchlists().await;
        self.people(&list).await;
        let check = self.checks(&list).await;
        self.documents().await;
        self.sessions().await;
        self.imports(&list).await;
        self.moves(&list).await;
        self.reviews(&check).await;
        self.strangers().await;
        self.refused(&list).await;
        self.malformed(&list).await;
        self.too_many(&list).await;
        self.http_2().await;
        self.faults_of_the_database(&list).await;
        self.retention().await;
        self.deletions(&list, &check).await;
        self.erasures(&list).await;
        self.audit().await;
        let gone = self.request(Method::DELETE, &format!("/v1/watchlists/{list}"));
        self.hear("deleting a list", gone, 204).await;
        self.open().await;
    }

    /// Every answer, and the enrolled templates in the ways that a program or the database holds them.
    pub fn finish(self) -> (Vec<Answer>, Vec<Vec<u8>>) {
        (self.answers, self.templates)
    }

    /// Pictures are kept, so that what is done with them is heard.
    async fn are_kept(&self) {
        let kept: i64 = sqlx::query_scalar("select count(*) from face_images")
            .fetch_one(&mut self.owner().await)
            .await
            .unwrap();
        assert!(kept > 0);
    }

    /// Every template that is kept somewhere, and what pictures are recognised by.
    async fn note_templates(&mut self) {
        let mut owner = self.owner().await;
        let texts: Vec<String> = sqlx::query_scalar(
            "select template::text from faces union all select template::text from spare_templates union all \
             select template::text from liveness_sessions where template is not null",
        )
        .fetch_all(&mut owner)
        .await
        .unwrap();
        let noted = &mut self.templates;
        for text in texts {
            let numbers = text.trim_matches(['[', ']', '{', '}']).split(',');
            let numbers: Vec<f32> = numbers.map(|number| number.parse().unwrap()).collect();
            let known = [Embedder::default(), Embedder::FrFeature].map(Embedder::dimensions);
            assert!(known.contains(&numbers.len()));
            let halves = numbers.iter().map(|&number| f16::from_f32(number));
            noted.push(
                numbers
                    .iter()
                    .flat_map(|number| number.to_le_bytes())
                    .collect(),
            );
            noted.push(halves.clone().flat_map(f16::to_le_bytes).collect());
            noted.push(halves.flat_map(f16::to_be_bytes).collect());
            // As text, in case fewer than make a row are shown.
            noted.push(text.into_bytes());
        }
        let signatures: Vec<Vec<u8>> =
            sqlx::query_scalar("select signature from liveness_frames where signature <> ''")
                .fetch_all(&mut owner)
                .await
                .unwrap();
        noted.extend(signatures);
    }

    async fn owner(&self) -> PgConnection {
        PgConnection::connect(self.database.expose_secret())
            .await
            .unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.service.address)
    }

    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let header = &self.secrets.header;
        self.client
            .request(method, self.url(path))
            .header("user-agent", header)
            .header("cookie", format!("session={header}"))
            .header("x-forwarded-for", header)
            .header("origin", format!("https://{header}.example.com"))
            .header("x-request-id", format!("not plain: {header}"))
    }

    fn token(&self, subject: &str, scope: &str) -> String {
        let rules = token_rules::usual();
        let request = TokenRequest {
            subject: subject.to_owned(),
            tenant: TenantId::parse("acme").unwrap(),
            scope: scope.to_owned(),
            ttl: Duration::from_secs(600),
        };
        let secret = SecretString::from(self.secrets.jwt_secret.clone());
        self.secrets.used(&mint(&secret, &rules, &request).unwrap())
    }

    fn request_of(&self, subject: &str, method: Method, path: &str) -> RequestBuilder {
        let token = self.token(subject, SCOPES);
        self.bare(method, path).bearer_auth(token)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_of("tester", method, path)
    }

    /// Sends a request whose answer holds nothing of a record, and has this status.
    async fn hear(&mut self, about: &str, request: RequestBuilder, status: u16) -> &Answer {
        self.send(about, request, status, false).await
    }

    /// The same where the answer shows a record to whoever made it.
    async fn hear_own(&mut self, about: &str, request: RequestBuilder, status: u16) -> &Answer {
        self.send(about, request, status, true).await
    }

    async fn send(
        &mut self,
        about: &str,
        request: RequestBuilder,
        expected: u16,
        is_own_record: bool,
    ) -> &Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.execute(request).await;
        let response = response.unwrap_or_else(|error| panic!("{about}: {error:?}"));
        let status = response.status().as_u16();
        let mut head = Vec::new();
        for (name, value) in response.headers() {
            head.extend(name.as_str().as_bytes());
            head.extend(b": ");
            head.extend(value.as_bytes());
            head.extend(b"\n");
        }
        let body = response.bytes().await.unwrap().to_vec();
        let said = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
        assert_eq!(status, expected, "{about}, {method} {path}: {said}");
        self.answers.push(Answer {
            about: format!("{about} ({status})"),
            method,
            path,
            status,
            head,
            body,
            is_own_record,
        });
        self.answers.last().unwrap()
    }

    fn file(&self, bytes: &[u8]) -> Part {
        Part::bytes(bytes.to_vec()).file_name(format!("{}.jpg", self.secrets.file_name))
    }

    fn pair(&self) -> Form {
        Form::new()
            .part("selfie", self.file(&self.secrets.portrait))
            .part("document", self.file(&self.secrets.document))
    }

    fn consent(&self) -> Value {
        json!({"id": self.secrets.consent, "text_version": self.secrets.consent})
    }

    fn metadata(&self) -> Value {
        json!({"note": self.secrets.metadata, "mrz": self.secrets.mrz})
    }
}
