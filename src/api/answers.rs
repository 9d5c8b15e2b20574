//! Answers that several resources give.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::error::{ApiError, ErrorCode};

/// The record, or `not_found`.
pub(super) fn found<T>(record: Option<T>) -> Result<T, ApiError> {
    record.ok_or_else(|| ApiError::new(ErrorCode::NotFound))
}

/// The empty answer to a deletion, or `not_found` where there was nothing to delete.
pub(super) fn gone(deleted: bool) -> Result<HttpResponse, ApiError> {
    found(deleted.then(|| HttpResponse::NoContent().finish()))
}

/// The status of an enrolment: 201 where it made somebody, 200 where they were there.
pub(super) fn enrolled(is_new: bool) -> StatusCode {
    if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}
