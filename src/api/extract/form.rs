//! A form of pictures and fields, from multipart or JSON.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::body::{declared_length, read_json, read_multipart};
use super::fingerprint;
use super::key::GivenKey;
use super::parts::{Part, Parts};
use super::rules;
use crate::error::{ApiError, ErrorCode};
use crate::state::AppState;
use crate::store::KeyedRequest;

/// A checked form: read within the service's bounds, deserialized, validated.
///
/// It reads the body, so it stands last among a handler's arguments, behind the scope.
#[derive(Debug)]
pub struct Form<T>(pub T);

/// The same from JSON alone, for what a multipart form cannot say: null.
#[derive(Debug)]
pub struct JsonForm<T>(pub T);

/// A form that makes something, and the key that makes its repetitions known, where the request brings one.
#[derive(Debug)]
pub struct Keyed<T>(pub T, pub Option<KeyedRequest>);

/// The same, where nothing needs to be said: no body at all stands for an empty one.
#[derive(Debug)]
pub struct KeyedOrEmpty<T>(pub T, pub Option<KeyedRequest>);

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Form<T> {
    type Error = ApiError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let form = read(
            request,
            payload,
            &[MediaType::Multipart, MediaType::Json],
            None,
        );
        Box::pin(async move { form.await.map(|(form, _)| Self(form)) })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for JsonForm<T> {
    type Error = ApiError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let form = read(request, payload, &[MediaType::Json], None);
        Box::pin(async move { form.await.map(|(form, _)| Self(form)) })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Keyed<T> {
    type Error = ApiError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        // Before a byte of the body is read.
        let form = GivenKey::of(request).map(|key| {
            read(
                request,
                payload,
                &[MediaType::Multipart, MediaType::Json],
                key,
            )
        });
        Box::pin(async move { form?.await.map(|(form, key)| Self(form, key)) })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for KeyedOrEmpty<T> {
    type Error = ApiError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let named = request.headers().contains_key(CONTENT_TYPE);
        if named || declared_length(request.headers()).is_some_and(|length| length > 0) {
            let form = Keyed::from_request(request, payload);
            return Box::pin(async move { form.await.map(|Keyed(form, key)| Self(form, key)) });
        }
        let key = GivenKey::of(request);
        Box::pin(async move {
            let key =
                key?.map(|key| key.with(fingerprint::of_entries(MediaType::Json.name(), &[])));
            Ok(Self(T::deserialize(Parts::new(Vec::new()))?, key))
        })
    }
}

/// What forms come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MediaType {
    Multipart,
    Json,
}

impl MediaType {
    fn name(self) -> &'static str {
        match self {
            Self::Multipart => "multipart/form-data",
            Self::Json => "application/json",
        }
    }
}

fn read<T: DeserializeOwned + Validate>(
    request: &HttpRequest,
    payload: &mut actix_web::dev::Payload,
    accepted: &'static [MediaType],
    key: Option<GivenKey>,
) -> impl Future<Output = Result<(T, Option<KeyedRequest>), ApiError>> + use<T> {
    let request = request.clone();
    let payload = Payload::from_request(&request, payload);
    async move {
        let payload = payload
            .await
            .map_err(|_| ApiError::new(ErrorCode::MalformedRequest))?;
        let state = request
            .app_data::<Data<AppState>>()
            .expect("the state is registered at start");
        let (headers, limits) = (request.headers(), &state.limits);
        let media_type = media_type(&request, accepted)?;
        refuse_encoded(&request)?;
        let entries = async {
            match media_type {
                MediaType::Multipart => {
                    read_multipart(headers, payload, limits.max_body_bytes).await
                }
                MediaType::Json => read_json(headers, payload, limits.max_json_bytes()).await,
            }
        };
        let entries = tokio::time::timeout(limits.body_timeout, entries)
            .await
            .map_err(|_| ApiError::new(ErrorCode::BodyTimeout))??;
        let (entries, key) = match key {
            Some(key) => identified(entries, media_type, key).await?,
            None => (entries, None),
        };
        let form = T::deserialize(Parts::new(entries))?;
        form.validate().map_err(|errors| rules::faults(&errors))?;
        Ok((form, key))
    }
}

/// What was sent, and what it is known by. Pictures take a while to hash, so that is done on a thread that may wait.
async fn identified(
    entries: Vec<(String, Part)>,
    media_type: MediaType,
    key: GivenKey,
) -> Result<(Vec<(String, Part)>, Option<KeyedRequest>), ApiError> {
    let hashing = tokio::task::spawn_blocking(move || {
        let fingerprint = fingerprint::of_entries(media_type.name(), &entries);
        (entries, Some(key.with(fingerprint)))
    });
    hashing
        .await
        .map_err(|error| ApiError::caused_by(ErrorCode::Internal, error))
}

/// A compressed body could grow without bounds, and pictures are compressed already.
pub(super) fn refuse_encoded(request: &HttpRequest) -> Result<(), ApiError> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if request.headers().get_all(CONTENT_ENCODING).all(plain) {
        return Ok(());
    }
    let detail = "Send the body without a Content-Encoding.";
    Err(ApiError::with_detail(
        ErrorCode::UnsupportedMediaType,
        detail,
    ))
}

/// The request's media type, its parameters left aside, where it is one of those accepted.
fn media_type(request: &HttpRequest, accepted: &[MediaType]) -> Result<MediaType, ApiError> {
    let essence = essence(request).unwrap_or_default();
    let known = accepted.iter().find(|known| essence == known.name());
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = accepted.iter().map(|known| known.name()).collect();
        let detail = format!("Send {}.", names.join(" or "));
        ApiError::with_detail(ErrorCode::UnsupportedMediaType, detail)
    })
}

/// The media type without its parameters, in lower case.
pub(super) fn essence(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(header.split(';').next()?.trim().to_ascii_lowercase())
}
