//! Failures as RFC 9457 problems, whoever raised them: a handler, an extractor or the HTTP framework.

use std::error::Error;
use std::fmt::Write as _;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::views::DuplicateView;
use crate::auth::RequestId;
use crate::error::{ApiError, ErrorCode, FieldFault};

/// Media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// What a failure looks like (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of failure; the same information as `code`.
    #[schema(example = "urn:likeness:problem:no_face")]
    pub r#type: String,
    /// The kind of failure in words.
    #[schema(example = "No face was found")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// Stable code; clients may depend on it.
    pub code: ErrorCode,
    /// What went wrong this time, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Faults by field, where fields are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
    /// With `duplicate_subject`: who on the list the face was found to be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duplicate_of: Vec<DuplicateView>,
    /// Id of the request, as in the `X-Request-Id` header and in the log.
    #[schema(example = "01990000-0000-7000-8000-000000000000")]
    pub request_id: String,
}

impl Problem {
    fn new(error: &ApiError, id: &RequestId) -> Self {
        Self {
            r#type: format!("urn:likeness:problem:{}", error.code.name()),
            title: error.code.title(),
            status: error.code.status().as_u16(),
            code: error.code,
            detail: error.detail.clone(),
            fields: error.fields.clone(),
            duplicate_of: error.duplicate_of.iter().map(Into::into).collect(),
            request_id: id.to_string(),
        }
    }
}

/// Gives a failure its body; any other answer passes unchanged.
pub(super) fn render(
    response: ServiceResponse<impl actix_web::body::MessageBody + 'static>,
    id: &RequestId,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response.map_into_boxed_body();
    }
    let cause = response.response().error();
    log_fault(status, cause);
    let framework = ApiError::new(ErrorCode::of_framework_status(status));
    let error = cause
        .and_then(|cause| cause.as_error::<ApiError>())
        .unwrap_or(&framework);
    let retry_after = error.retry_after_seconds();
    let problem = Problem::new(error, id);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = response.map_body(|_, _| body.boxed());
    *response.response_mut().status_mut() = problem.code.status();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if problem.code.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The one place where a fault of the service is logged, with its chain of causes.
fn log_fault(status: StatusCode, cause: Option<&actix_web::Error>) {
    if !status.is_server_error() {
        return;
    }
    let mut chain = String::new();
    if let Some(error) = cause.and_then(|cause| cause.as_error::<ApiError>()) {
        let mut next = Error::source(error);
        while let Some(source) = next {
            let _ = write!(chain, "{source}; ");
            next = source.source();
        }
    }
    tracing::error!(http.status = status.as_u16(), error = %chain.trim_end_matches("; "), "request failed");
}
