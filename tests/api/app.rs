//! A running service and a client for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use likeness::auth::{TokenRequest, TokenRules, mint};
use likeness::config::{Config, JwtKey};
use likeness::domain::embedder::Embedder;
use likeness::domain::ids::TenantId;
use likeness::startup::{Application, image_keys};
use likeness::store::Store;
use likeness::vision::{Engine, FaceBackend};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};

pub use crate::answer::Answer;
use crate::scripted::Scripted;
pub use crate::scripted::{lookalike, person, picture};
use crate::{support, token_rules};

/// The secret that the service under test checks tokens with.
pub const SECRET: &str = "a secret of the tests, of more than 32 bytes";
/// Every scope.
pub const ALL_SCOPES: &str = "verify watchlist:read watchlist:write audit:read review admin";

/// A change of the configuration.
pub type Configure = Box<dyn FnOnce(&mut Config) + Send>;

/// What a test may want different.
#[derive(Default)]
pub struct Options {
    pub workers: Option<usize>,
    pub queue_capacity: Option<usize>,
    pub request_deadline: Option<Duration>,
    pub jwt_key: Option<JwtKey>,
    pub max_image_bytes: Option<usize>,
    pub body_timeout: Option<Duration>,
    pub max_import_bytes: Option<u64>,
    /// A database to share with another service, instead of one of its own.
    pub database: Option<SecretString>,
    /// The last word on the configuration.
    pub configure: Option<Configure>,
}

/// A service on a port of its own.
pub struct App {
    pub address: String,
    /// Of the second port, where there is one.
    pub admin_address: Option<String>,
    pub store: Store,
    client: Client,
}

impl App {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Self {
        Self::try_start(options).await.unwrap()
    }

    /// The service, or why it does not start.
    pub async fn try_start(options: Options) -> anyhow::Result<Self> {
        let scripted = |count: usize| -> Vec<Box<dyn FaceBackend>> {
            (0..count)
                .map(|_| Box::new(Scripted) as Box<dyn FaceBackend>)
                .collect()
        };
        let queue_capacity = options.queue_capacity.unwrap_or(16);
        let engine = Engine::start(scripted(options.workers.unwrap_or(2)), queue_capacity);
        Self::with_engine(engine.with_readers(scripted(1), 16, None), options).await
    }

    /// The service around an engine that runs already.
    pub async fn with_engine(engine: Engine, options: Options) -> anyhow::Result<Self> {
        let database = match &options.database {
            Some(shared) => shared.clone(),
            None => support::database().await,
        };
        let config = config(options);
        let store = Store::connect(&database, 5)
            .await?
            .with_image_keys(image_keys(&config));
        store
            .register_model(Embedder::default().id(), Embedder::default().dimensions())
            .await
            .unwrap();
        let application = Application::assemble(&config, engine, store.clone(), None).await?;
        let url = |address| format!("http://{address}");
        let address = url(application.address());
        let admin_address = application.admin_address().map(url);
        tokio::spawn(application.run_until(std::future::pending()));
        Ok(Self {
            address,
            admin_address,
            store,
            client: Client::new(),
        })
    }

    /// A request without a token.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.address))
    }

    /// A request with every scope, as the tenant `acme`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .bearer_auth(token("acme", ALL_SCOPES))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub async fn post_form(&self, path: &str, form: Form) -> Answer {
        Answer::of(self.request(Method::POST, path).multipart(form)).await
    }

    pub async fn put_form(&self, path: &str, form: Form) -> Answer {
        Answer::of(self.request(Method::PUT, path).multipart(form)).await
    }

    pub async fn put_json(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(body)).await
    }

    /// Checks a selfie against a document.
    pub async fn verify(&self, selfie: Vec<u8>, document: Vec<u8>) -> Answer {
        self.post_form("/v1/verifications", pair(selfie, document))
            .await
    }

    /// Makes a list and gives its id.
    pub async fn watchlist(&self, name: &str, kind: &str) -> String {
        let answer = self
            .post_json("/v1/watchlists", &json!({"name": name, "kind": kind}))
            .await;
        answer.expect(StatusCode::CREATED)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Enrols a person and gives the subject's id.
    pub async fn enrol(&self, watchlist: &str, external_id: &str, image: Vec<u8>) -> String {
        let form = Form::new()
            .text("external_id", external_id.to_owned())
            .part("image", Part::bytes(image));
        let answer = self
            .post_form(&format!("/v1/watchlists/{watchlist}/subjects"), form)
            .await;
        answer.expect(StatusCode::CREATED)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// The form of a verification with nothing else in it.
pub fn pair(selfie: Vec<u8>, document: Vec<u8>) -> Form {
    Form::new()
        .part("selfie", Part::bytes(selfie))
        .part("document", Part::bytes(document))
}

fn config(options: Options) -> Config {
    let mut config = support::config();
    config.listen = ([127, 0, 0, 1], 0).into();
    config.assets = assets();
    config.jwt.key = Some(
        options
            .jwt_key
            .unwrap_or_else(|| JwtKey::Secret(SECRET.into())),
    );
    config.jwt.issuer = rules().issuer;
    config.jwt.audience = rules().audience;
    config.jwt.leeway = rules().leeway;
    config.jwt.max_lifetime = rules().max_lifetime;
    config.policy = likeness::domain::policy::Policy::default();
    config.images.max_bytes = options.max_image_bytes.unwrap_or(64 * 1024);
    config.load.body_timeout = options.body_timeout.unwrap_or(Duration::from_secs(20));
    if let Some(bytes) = options.max_import_bytes {
        config.images.max_import_bytes = bytes;
    }
    config.load.request_deadline = options.request_deadline.unwrap_or(Duration::from_secs(20));
    if let Some(configure) = options.configure {
        configure(&mut config);
    }
    config
}

/// Files of one embedder besides that of the scripted workers; nothing is read from them.
fn assets() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("assets-of-scripted-workers");
    std::fs::create_dir_all(root.join("models")).unwrap();
    std::fs::write(root.join("models/fr_feature.onnx"), "no network").unwrap();
    root
}

/// What tokens have to say here.
pub fn rules() -> TokenRules {
    TokenRules {
        issuer: "https://issuer.test".to_owned(),
        audience: "likeness-test".to_owned(),
        ..token_rules::usual()
    }
}

/// A valid token.
pub fn token(tenant: &str, scope: &str) -> String {
    token_of(tenant, "tester", scope)
}

/// A valid token of a subject.
pub fn token_of(tenant: &str, subject: &str, scope: &str) -> String {
    let request = TokenRequest {
        subject: subject.to_owned(),
        tenant: TenantId::parse(tenant).unwrap(),
        scope: scope.to_owned(),
        ttl: Duration::from_secs(600),
    };
    mint(&SECRET.into(), &rules(), &request).unwrap()
}

/// The codes of the reasons of a verification, in their order.
pub fn reasons(body: &Value) -> Vec<&str> {
    body["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect()
}
