//! A form of pictures and fields, from multipart or JSON.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::body::{read_json, read_multipart};
use super::parts::{Part, Parts};
use super::rules;
use crate::error::{ApiError, ErrorCode};
use crate::state::{AppState, Limits};

/// A checked form: read within the service's bounds, deserialized, validated.
///
/// It reads the body, so it stands last among a handler's arguments, behind the scope.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Form<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let request = request.clone();
        let payload = Payload::from_request(&request, payload);
        Box::pin(async move {
            let payload = payload
                .await
                .map_err(|_| ApiError::new(ErrorCode::MalformedRequest))?;
            let form: T = read(&request, payload).await?;
            form.validate().map_err(|errors| rules::faults(&errors))?;
            Ok(Self(form))
        })
    }
}

async fn read<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, ApiError> {
    let state = request
        .app_data::<Data<AppState>>()
        .expect("the state is registered at start");
    let limits = &state.limits;
    refuse_encoded(request)?;
    let entries = tokio::time::timeout(limits.body_timeout, entries(request, payload, limits));
    let entries = entries
        .await
        .map_err(|_| ApiError::new(ErrorCode::BodyTimeout))??;
    Ok(T::deserialize(Parts::new(entries))?)
}

/// A compressed body could grow without bounds, and pictures are compressed already.
fn refuse_encoded(request: &HttpRequest) -> Result<(), ApiError> {
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

async fn entries(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<Vec<(String, Part)>, ApiError> {
    let headers = request.headers();
    match content_type(request) {
        Some("multipart/form-data") => {
            read_multipart(headers, payload, limits.max_body_bytes).await
        }
        Some("application/json") => read_json(headers, payload, limits.max_json_bytes()).await,
        _ => {
            let detail = "Send multipart/form-data or application/json.";
            Err(ApiError::with_detail(
                ErrorCode::UnsupportedMediaType,
                detail,
            ))
        }
    }
}

/// The media type without its parameters, where it is one that forms come in.
fn content_type(request: &HttpRequest) -> Option<&'static str> {
    let header = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = header.split(';').next()?.trim();
    ["multipart/form-data", "application/json"]
        .into_iter()
        .find(|known| essence.eq_ignore_ascii_case(known))
}
