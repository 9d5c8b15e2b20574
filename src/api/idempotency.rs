//! `Idempotency-Key`: a request that makes something has one effect, however often it comes.
//!
//! A key is claimed before the work begins and held while it goes on. The answer is rendered before the effect lasts, and
//! kept in the transaction of the effect. A failure frees the key, and is not kept: the caller may try again. Every
//! creation of the API ends here, with a key or without one, and is committed here.

use std::future::Future;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, LOCATION};
use serde::Serialize;
use tokio::task::JoinHandle;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::ids::TenantId;
use crate::error::{ApiError, ErrorCode};
use crate::state::AppState;
use crate::store::{HeldKey, KeyClaim, KeyedRequest, Store, StoreError, StoredAnswer, Uncommitted};

/// How long a key waits for somebody else when the process that works on its request dies.
const LEASE: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(4);
/// Marks an answer that was given before.
pub(super) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The header of routes that make something, for their description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes a header that an extractor reads")]
pub struct IdempotencyHeader {
    /// A new value of the caller's for each thing to be made, 1 to 255 printable ASCII characters, with quotes around it or
    /// without: the same request with the same key has one effect and is answered alike, for 24 hours unless configured
    /// otherwise. Failures are not kept.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        example = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    )]
    pub idempotency_key: Option<String>,
}

/// Something that was made: its answer, and the ids of all that the answer tells of.
///
/// When one of these is deleted, the answer is not kept any longer; so whoever is named in it belongs here, too.
pub(super) struct Made {
    answer: StoredAnswer,
    tells_of: Vec<Uuid>,
}

impl Made {
    /// Renders the answer.
    pub(super) fn new(
        status: StatusCode,
        view: &impl Serialize,
        tells_of: Vec<Uuid>,
    ) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(view)
            .map_err(|error| ApiError::caused_by(ErrorCode::Internal, error))?;
        let answer = StoredAnswer {
            status: status.as_u16(),
            location: None,
            body,
        };
        Ok(Self { answer, tells_of })
    }

    /// Adds where to look for it.
    pub(super) fn at(mut self, location: String) -> Self {
        self.answer.location = Some(location);
        self
    }
}

/// Makes something, once for each key, and answers.
pub(super) async fn once(
    state: &AppState,
    tenant: &TenantId,
    request: Option<KeyedRequest>,
    work: impl Future<Output = Result<Uncommitted<Made>, ApiError>>,
) -> Result<HttpResponse, ApiError> {
    let Some(request) = request else {
        return Ok(respond(work.await?.commit().await?.answer));
    };
    let store = state.verifier.store();
    let mut transaction = store.begin(tenant).await?;
    let claim = transaction.claim_key(&request, LEASE, state.idempotency_lifetime);
    let key = match claim.await? {
        KeyClaim::Held(key) => key,
        KeyClaim::Answered(answer) => return Ok(replay(answer)),
        KeyClaim::Running => return Err(ApiError::new(ErrorCode::IdempotencyKeyInUse)),
        KeyClaim::OtherRequest => return Err(ApiError::new(ErrorCode::IdempotencyKeyReused)),
        KeyClaim::Forgotten => return Err(ApiError::new(ErrorCode::IdempotencyKeySpent)),
    };
    transaction.commit().await?;
    let hold = Hold::of(store, tenant, key);
    match finish(key, work).await {
        Ok(answer) => {
            hold.end();
            Ok(respond(answer))
        }
        Err(error) => {
            hold.release().await;
            Err(error)
        }
    }
}

/// Does the work and makes it last together with its answer, unless the key has passed to somebody else.
async fn finish(
    key: HeldKey,
    work: impl Future<Output = Result<Uncommitted<Made>, ApiError>>,
) -> Result<StoredAnswer, ApiError> {
    let Uncommitted {
        outcome: made,
        mut transaction,
    } = work.await?;
    let kept = transaction.keep_answer(&key, &made.answer, &made.tells_of);
    if !kept.await? {
        return Err(ApiError::new(ErrorCode::IdempotencyKeyInUse));
    }
    transaction.commit().await?;
    Ok(made.answer)
}

/// A key that is renewed until this is over, and freed where it ends without an answer: by a failure, or because the
/// caller has hung up.
struct Hold {
    freeing: Option<Freeing>,
    renewal: JoinHandle<()>,
}

#[derive(Clone)]
struct Freeing {
    store: Store,
    tenant: TenantId,
    key: HeldKey,
}

impl Hold {
    fn of(store: &Store, tenant: &TenantId, key: HeldKey) -> Self {
        let freeing = Freeing {
            store: store.clone(),
            tenant: tenant.clone(),
            key,
        };
        let renewal = tokio::spawn(freeing.clone().renew());
        Self {
            freeing: Some(freeing),
            renewal,
        }
    }

    /// There is an answer.
    fn end(mut self) {
        self.freeing = None;
    }

    /// Frees the key before the caller hears that they may try again.
    async fn release(mut self) {
        self.renewal.abort();
        if let Some(freeing) = self.freeing.take() {
            freeing.free().await;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.renewal.abort();
        if let Some(freeing) = self.freeing.take() {
            tokio::spawn(freeing.free());
        }
    }
}

impl Freeing {
    /// Renews the claim; ends when it is lost. Does not end for a database that is away: the work finds that out too.
    async fn renew(self) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if matches!(self.renew_once().await, Ok(false)) {
                return;
            }
        }
    }

    async fn renew_once(&self) -> Result<bool, StoreError> {
        let mut transaction = self.store.begin(&self.tenant).await?;
        let held = transaction.renew_key(&self.key, LEASE).await?;
        transaction.commit().await?;
        Ok(held)
    }

    /// Frees the key, where its answer was not kept.
    async fn free(self) {
        if let Err(error) = self.try_free().await {
            tracing::warn!(%error, "an idempotency key could not be freed; its claim runs out");
        }
    }

    async fn try_free(&self) -> Result<(), StoreError> {
        let mut transaction = self.store.begin(&self.tenant).await?;
        transaction.release_key(&self.key).await?;
        transaction.commit().await
    }
}

fn replay(answer: StoredAnswer) -> HttpResponse {
    let mut response = respond(answer);
    let replayed = HeaderValue::from_static("true");
    response
        .headers_mut()
        .insert(IDEMPOTENCY_REPLAYED, replayed);
    response
}

/// The first answer and every later one are made here, from the same bytes.
fn respond(answer: StoredAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or_default();
    let mut response = HttpResponse::build(status);
    if let Some(location) = answer.location {
        response.insert_header((LOCATION, location));
    }
    response.content_type("application/json").body(answer.body)
}
