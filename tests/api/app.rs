//! A running service, a client for it, and pictures that say what they show.

use std::time::Duration;

use likeness::auth::{TokenRequest, TokenRules, mint};
use likeness::config::{Config, JwtKey};
use likeness::domain::face::{BoundingBox, Face, FivePoints, Point, Pose, Quality, Template};
use likeness::domain::ids::TenantId;
use likeness::startup::Application;
use likeness::store::Store;
use likeness::vision::document::Zone;
use likeness::vision::{
    Analysis, AnalysisRequest, EMBEDDER_DIMENSIONS, EMBEDDER_ID, Embed, Engine, FaceBackend,
    Layout, StageTimings, VisionError,
};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

pub use crate::answer::Answer;
use crate::support;

/// The secret that the service under test checks tokens with.
pub const SECRET: &str = "a secret of the tests, of more than 32 bytes";
/// Every scope.
pub const ALL_SCOPES: &str = "verify watchlist:read watchlist:write audit:read review admin";

/// A picture in the language of [`Scripted`].
pub fn picture(script: Value) -> Vec<u8> {
    script.to_string().into_bytes()
}

/// A picture of one person; two pictures of one person have a similarity of 1.
pub fn person(number: usize) -> Vec<u8> {
    picture(json!({"faces": [{"person": number}]}))
}

/// A picture of somebody who looks as much like a person as the similarity says.
pub fn lookalike(number: usize, similarity: f32) -> Vec<u8> {
    picture(json!({"faces": [{"person": number, "similarity": similarity}]}))
}

/// What a picture shows, or how it fails.
#[derive(Default, Deserialize)]
struct Script {
    #[serde(default)]
    faces: Vec<ScriptedFace>,
    /// Milliseconds that the analysis takes.
    #[serde(default)]
    takes_ms: u64,
    fails: Option<String>,
    /// Lines of a machine-readable zone.
    zone: Option<Vec<String>>,
    /// How far they are turned, clockwise. A document that lies on its side shows its face only to who turns it back.
    #[serde(default)]
    turn_degrees: f32,
}

#[derive(Deserialize)]
struct ScriptedFace {
    person: usize,
    #[serde(default = "one")]
    similarity: f32,
    #[serde(default = "one")]
    liveness: f32,
    #[serde(default = "sixty")]
    eye_distance: f32,
    confidence: Option<f32>,
    sharpness: Option<f32>,
    brightness: Option<f32>,
    #[serde(default)]
    yaw: f32,
}

fn one() -> f32 {
    1.0
}

fn sixty() -> f32 {
    60.0
}

/// Finds what the picture says, instead of looking.
struct Scripted;

impl FaceBackend for Scripted {
    fn analyse(
        &mut self,
        encoded: &[u8],
        request: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        // A real picture is one without faces: readiness looks at a blank one.
        let mut script: Script = serde_json::from_slice(encoded).unwrap_or_default();
        let turned_back = match script.turn_degrees {
            0.0 => Layout::Document,
            degrees => Layout::Turned((4 - (degrees / 90.0) as u8) % 4),
        };
        if script.zone.is_some() && request.layout != turned_back {
            script.faces.clear();
        }
        std::thread::sleep(Duration::from_millis(script.takes_ms));
        match script.fails.as_deref() {
            Some("unsupported") => return Err(VisionError::UnsupportedImage),
            Some("corrupt") => return Err(VisionError::CorruptImage),
            Some("too_large") => {
                return Err(VisionError::ImageTooLarge {
                    width: 9_000,
                    height: 9_000,
                    max_pixels: 50_000_000,
                });
            }
            Some("inference") => {
                return Err(VisionError::Inference("as the script says".to_owned()));
            }
            Some(other) => panic!("{other}: as the script says"),
            None => {}
        }
        let embedded = |index: usize| match request.embed {
            Embed::None => false,
            Embed::Largest => index == 0,
            Embed::All => true,
        };
        let faces = script
            .faces
            .iter()
            .enumerate()
            .map(|(i, face)| describe(face, embedded(i)))
            .collect();
        Ok(Analysis {
            width: 640,
            height: 480,
            faces,
            zone: script.zone.map(|lines| Zone {
                lines,
                corners: [(10.0, 400.0), (600.0, 400.0), (600.0, 460.0), (10.0, 460.0)]
                    .map(|(x, y)| Point { x, y }),
                turn_degrees: script.turn_degrees,
                confidence: 0.97,
            }),
            timings: StageTimings::default(),
        })
    }
}

fn describe(face: &ScriptedFace, embedded: bool) -> Face {
    let mut values = vec![0.0; EMBEDDER_DIMENSIONS];
    values[face.person] = face.similarity;
    values[EMBEDDER_DIMENSIONS - 1 - face.person] =
        (1.0 - face.similarity * face.similarity).max(0.0).sqrt();
    let point = |x, y| Point { x, y };
    Face {
        bounding_box: BoundingBox {
            x: 100.0,
            y: 50.0,
            width: 120.0,
            height: 150.0,
        },
        confidence: face.confidence.unwrap_or(0.99),
        landmarks: FivePoints {
            left_eye: point(130.0, 100.0),
            right_eye: point(130.0 + face.eye_distance, 100.0),
            nose: point(160.0, 130.0),
            left_mouth: point(140.0, 160.0),
            right_mouth: point(180.0, 160.0),
        },
        quality: Quality {
            inter_eye_distance: face.eye_distance,
            sharpness: face.sharpness.unwrap_or(300.0),
            brightness: face.brightness.unwrap_or(0.5),
            contrast: 0.2,
        },
        pose: Some(Pose {
            yaw: face.yaw,
            pitch: 2.0,
            roll: 3.0,
        }),
        liveness: Some(face.liveness),
        template: embedded.then(|| Template::normalised(EMBEDDER_ID, values).unwrap()),
    }
}

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
        Self::with_engine(engine.with_readers(Engine::start(scripted(1), 16)), options).await
    }

    /// The service around the given workers.
    pub async fn around(workers: Vec<Box<dyn FaceBackend>>, options: Options) -> Self {
        Self::try_around(workers, options).await.unwrap()
    }

    async fn try_around(
        workers: Vec<Box<dyn FaceBackend>>,
        options: Options,
    ) -> anyhow::Result<Self> {
        let engine = Engine::start(workers, options.queue_capacity.unwrap_or(16));
        Self::with_engine(engine, options).await
    }

    /// The service around an engine that runs already.
    pub async fn with_engine(engine: Engine, options: Options) -> anyhow::Result<Self> {
        let database = match &options.database {
            Some(shared) => shared.clone(),
            None => support::database().await,
        };
        let store = Store::connect(&database, 5).await?;
        store
            .register_model(EMBEDDER_ID, EMBEDDER_DIMENSIONS)
            .await
            .unwrap();
        let config = config(options);
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

/// What tokens have to say here.
pub fn rules() -> TokenRules {
    TokenRules {
        issuer: "https://issuer.test".to_owned(),
        audience: "likeness-test".to_owned(),
        leeway: Duration::from_secs(5),
        max_lifetime: Duration::from_secs(3600),
        token_type: None,
        one_time_scopes: Vec::new(),
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
