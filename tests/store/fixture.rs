//! A fresh database for each test, and records to put into it.

use std::str::FromStr as _;
use std::time::Duration;

use likeness::domain::audit::Actor;
use likeness::domain::consent::Consent;
use likeness::domain::decision::Decision;
use likeness::domain::duplicate::OnDuplicate;
use likeness::domain::face::Template;
use likeness::domain::ids::{LivenessSessionId, SubjectId, TenantId, VerificationId, WatchlistId};
use likeness::domain::liveness_session::{Action, Earlier, Session, Signature};
use likeness::domain::verification::Verification;
use likeness::domain::watchlist::{Watchlist, WatchlistKind};
use likeness::store::{
    FrameMarks, GalleryMatches, GalleryQuery, KeptLivenessSession, NewFace, NewSubject,
    NewWatchlist, PageRequest, Store, SubjectFilter, TenantTx,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection, PgConnection};
use time::OffsetDateTime;
use time::macros::datetime;

/// The model of every template here, and its length.
pub const MODEL: &str = "test-embedder";
pub const DIMENSIONS: usize = 512;

pub use crate::support::database;

/// A migrated database with the test's model, and the way to it around the store.
pub struct Fixture {
    pub url: SecretString,
    pub store: Store,
}

impl Fixture {
    pub async fn new() -> Self {
        let url = database().await;
        let store = Store::connect(&url, 5).await.unwrap();
        store.register_model(MODEL, DIMENSIONS).await.unwrap();
        Self { url, store }
    }

    /// A plain connection as the owner of the tables.
    pub async fn owner(&self) -> PgConnection {
        PgConnection::connect(self.url.expose_secret())
            .await
            .unwrap()
    }

    /// The database's address for another user.
    pub fn url_for(&self, user: &str, password: &str) -> SecretString {
        let options = PgConnectOptions::from_str(self.url.expose_secret()).unwrap();
        let options = options.username(user).password(password);
        options.to_url_lossy().to_string().into()
    }

    /// A plain connection that works as the service's role, with or without a tenant.
    pub async fn service(&self, tenant: Option<&str>) -> PgConnection {
        let mut connection = self.owner().await;
        sqlx::raw_sql("set role likeness_service")
            .execute(&mut connection)
            .await
            .unwrap();
        if let Some(tenant) = tenant {
            sqlx::query("select set_config('likeness.tenant', $1, false)")
                .bind(tenant)
                .execute(&mut connection)
                .await
                .unwrap();
        }
        connection
    }

    /// A list of that name in the tenant.
    pub async fn watchlist(&self, tenant: &TenantId, name: &str) -> Watchlist {
        let mut transaction = self.store.begin(tenant).await.unwrap();
        let watchlist = transaction
            .insert_watchlist(new_watchlist(name))
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        watchlist
    }
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

/// Somebody of that tenant, in some request.
pub fn actor(tenant_name: &str) -> Actor {
    Actor {
        tenant: tenant(tenant_name),
        subject: "tester".to_owned(),
        request_id: "request-1".to_owned(),
    }
}

pub fn new_watchlist(name: &str) -> NewWatchlist {
    NewWatchlist {
        name: name.to_owned(),
        kind: WatchlistKind::Block,
        target_fpir: 0.01,
        on_duplicate: OnDuplicate::Report,
        keep_images: false,
    }
}

pub fn new_subject(external_id: &str) -> NewSubject {
    NewSubject {
        external_id: Some(external_id.to_owned()),
        ..NewSubject::default()
    }
}

/// The one subject of that key.
pub fn of_key(external_id: &str) -> SubjectFilter {
    SubjectFilter {
        external_id: Some(external_id.to_owned()),
        ..SubjectFilter::default()
    }
}

pub fn consent(id: &str) -> Consent {
    Consent {
        id: id.to_owned(),
        text_version: Some("2026-10".to_owned()),
        given_at: Some(datetime!(2026-01-02 3:04:05 UTC)),
    }
}

pub fn first_page(limit: u32) -> PageRequest {
    PageRequest { after: None, limit }
}

/// Searches one list of the transaction's tenant, which is there.
pub async fn search(
    transaction: &mut TenantTx,
    watchlist_id: WatchlistId,
    probe: &Template,
    min_similarity: f64,
    limit: u32,
) -> GalleryMatches {
    let query = GalleryQuery {
        watchlist_id,
        min_similarity,
    };
    let found = transaction.search(&[query], probe, limit).await.unwrap();
    found.into_iter().next().expect("the list is there")
}

/// Faces that a search of the list compares.
pub async fn gallery_size(transaction: &mut TenantTx, list: WatchlistId) -> u64 {
    search(transaction, list, &axis(0), 0.9, 1).await.size
}

/// A face without a picture.
pub fn new_face(subject: SubjectId, template: &Template) -> NewFace<'_> {
    NewFace {
        subject,
        template,
        image: None,
    }
}

/// The unit vector along one axis.
pub fn axis(index: usize) -> Template {
    let mut values = vec![0.0; DIMENSIONS];
    values[index] = 1.0;
    Template::normalised(MODEL, values).unwrap()
}

pub fn verification(decision: Decision, external_id: Option<&str>) -> Verification {
    let threshold = json!({"similarity": 0.4, "target_fmr": 1e-4, "extrapolated": false});
    let quality = json!({"pose": null, "measures":
        {"inter_eye_distance": 60.0, "sharpness": 200.0, "brightness": 0.5, "contrast": 0.2}});
    serde_json::from_value(json!({
        "id": VerificationId::new(),
        "assessment": {
            "decision": decision,
            "reasons": [],
            "face_match": {"result": "pass", "similarity": 0.61, "fmr": {"fmr": 1e-6, "extrapolated": true},
                "approve": threshold, "review": threshold},
            "liveness": {"result": "pass", "score": 0.97, "threshold": 0.5},
            "quality": {"result": "pass", "selfie": quality, "document": quality},
            "watchlist": {"result": "not_evaluated", "searched": []},
        },
        "portrait_box": {"x": 1.0, "y": 2.0, "width": 30.0, "height": 40.0},
        "models": {"detector": "d", "embedder": MODEL, "liveness": "l"},
        "timings_ms": {"decode": 1.5, "detect": 2.0, "embed": 3.0, "liveness": 4.0, "search": 5.0, "total": 16.0},
        "external_id": external_id,
        "metadata": {"case": 7, "note": "ümlaut"},
        "created_at": "2026-01-02T03:04:05.678901Z",
    }))
    .unwrap()
}

/// A session before a camera to which one picture has come.
pub async fn insert_liveness_session(transaction: &mut TenantTx) {
    let now = OffsetDateTime::now_utc();
    let kept = KeptLivenessSession {
        id: LivenessSessionId::new(),
        nonce_hash: vec![1; 32],
        session: Session::new(vec![Action::TurnLeft, Action::CloseEyes]),
        created_at: now,
        expires_at: now + Duration::from_secs(180),
    };
    transaction.insert_liveness_session(&kept).await.unwrap();
    let frame = FrameMarks {
        number: 0,
        bytes_hash: [1; 32],
        seen: Earlier {
            signature: Signature::parse(&[7; 256]).unwrap(),
            face: None,
        },
    };
    transaction.insert_frame(kept.id, frame).await.unwrap();
}
