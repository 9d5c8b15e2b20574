//! The error contract: every failure a caller can see has one row in the table of [`ErrorCode`].
//!
//! This is the only file that names a failure status. Bodies are RFC 9457 problems, written by
//! `api::problem`; the cause of a 5xx is logged once, there, and never sent.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;
use crate::verify::VerifyError;
use crate::vision::VisionError;

/// Seconds after which a caller may try again, in the `Retry-After` header of every 503.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// Stable codes of every failure; clients may depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request line, a header or the body cannot be read.
    MalformedRequest,
    /// A field is unknown, of the wrong type or out of its bounds; see `fields`.
    ValidationFailed,
    /// A required part is not there; see `fields`.
    MissingPart,
    /// No token, or one that is not valid.
    Unauthenticated,
    /// The token lacks the scope of this route.
    Forbidden,
    /// There is no such route or record.
    NotFound,
    /// The route exists, but not with this method.
    MethodNotAllowed,
    /// The record exists already.
    Conflict,
    /// The whole request is larger than the service takes.
    PayloadTooLarge,
    /// One picture has too many bytes or pixels.
    ImageTooLarge,
    /// The request is neither `multipart/form-data` nor `application/json`.
    UnsupportedMediaType,
    /// The picture is not a JPEG, PNG or WebP, or uses a rare variant of one.
    UnsupportedImage,
    /// The picture is truncated or broken.
    CorruptImage,
    /// No face was found.
    NoFace,
    /// More than one face was found where exactly one is wanted.
    MultipleFaces,
    /// Too many requests wait for a worker.
    Overloaded,
    /// The database does not answer.
    Unavailable,
    /// The request did not finish within its deadline.
    DeadlineExceeded,
    /// Something broke inside the service.
    Internal,
}

impl ErrorCode {
    /// Every code, for tests and documentation.
    pub const ALL: [Self; 19] = [
        Self::MalformedRequest,
        Self::ValidationFailed,
        Self::MissingPart,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::ImageTooLarge,
        Self::UnsupportedMediaType,
        Self::UnsupportedImage,
        Self::CorruptImage,
        Self::NoFace,
        Self::MultipleFaces,
        Self::Overloaded,
        Self::Unavailable,
        Self::DeadlineExceeded,
        Self::Internal,
    ];

    /// The table: name, status and title of a code.
    fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::MalformedRequest => (
                "malformed_request",
                S::BAD_REQUEST,
                "The request cannot be read",
            ),
            Self::ValidationFailed => ("validation_failed", S::BAD_REQUEST, "A field is not valid"),
            Self::MissingPart => ("missing_part", S::BAD_REQUEST, "A required part is missing"),
            Self::Unauthenticated => (
                "unauthenticated",
                S::UNAUTHORIZED,
                "A valid bearer token is required",
            ),
            Self::Forbidden => (
                "forbidden",
                S::FORBIDDEN,
                "The token lacks the scope for this",
            ),
            Self::NotFound => ("not_found", S::NOT_FOUND, "There is nothing here"),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                S::METHOD_NOT_ALLOWED,
                "This route does not take that method",
            ),
            Self::Conflict => ("conflict", S::CONFLICT, "It exists already"),
            Self::PayloadTooLarge => (
                "payload_too_large",
                S::PAYLOAD_TOO_LARGE,
                "The request is too large",
            ),
            Self::ImageTooLarge => (
                "image_too_large",
                S::PAYLOAD_TOO_LARGE,
                "A picture is too large",
            ),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "The content type is not supported",
            ),
            Self::UnsupportedImage => (
                "unsupported_image",
                S::UNSUPPORTED_MEDIA_TYPE,
                "The picture is not a JPEG, PNG or WebP",
            ),
            Self::CorruptImage => (
                "corrupt_image",
                S::UNPROCESSABLE_ENTITY,
                "The picture is broken",
            ),
            Self::NoFace => ("no_face", S::UNPROCESSABLE_ENTITY, "No face was found"),
            Self::MultipleFaces => (
                "multiple_faces",
                S::UNPROCESSABLE_ENTITY,
                "More than one face was found",
            ),
            Self::Overloaded => (
                "overloaded",
                S::SERVICE_UNAVAILABLE,
                "Too many requests are waiting",
            ),
            Self::Unavailable => (
                "unavailable",
                S::SERVICE_UNAVAILABLE,
                "A part of the service is not available",
            ),
            Self::DeadlineExceeded => (
                "deadline_exceeded",
                S::GATEWAY_TIMEOUT,
                "The request took longer than its deadline",
            ),
            Self::Internal => (
                "internal",
                S::INTERNAL_SERVER_ERROR,
                "Something broke inside the service",
            ),
        }
    }

    /// The stable name of a code, as it stands in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status of a code.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    /// The code in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The code of a failure that the HTTP framework itself answered with a bare status.
    #[must_use]
    pub fn of_framework_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            status if status.is_client_error() => Self::MalformedRequest,
            _ => Self::Internal,
        }
    }
}

/// What is wrong with one field. It never repeats the value that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// Path of the field, such as `policy.approve_fmr`.
    #[schema(example = "policy.approve_fmr")]
    pub field: String,
    /// Stable code of the fault.
    #[schema(example = "range")]
    pub code: Cow<'static, str>,
    /// The same in words.
    #[schema(example = "must be between 1e-9 and 0.05")]
    pub message: String,
}

/// A failure on its way to the caller.
#[derive(Debug)]
pub struct ApiError {
    /// What went wrong.
    pub code: ErrorCode,
    /// One sentence that is safe to show, or nothing beyond the title.
    pub detail: Option<String>,
    /// Faults by field.
    pub fields: Vec<FieldFault>,
    /// What caused it; logged, never sent.
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// A failure that needs no more words than its title.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            detail: None,
            fields: Vec::new(),
            source: None,
        }
    }

    /// A failure explained in one sentence.
    #[must_use]
    pub fn with_detail(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::new(code)
        }
    }

    /// A failure of one field.
    #[must_use]
    pub fn of_field(
        code: ErrorCode,
        field: impl Into<String>,
        fault: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let (field, message) = (field.into(), message.into());
        let fault = FieldFault {
            field,
            code: fault.into(),
            message,
        };
        Self {
            fields: vec![fault],
            ..Self::new(code)
        }
    }

    /// Several faults of the fields.
    #[must_use]
    pub fn of_fields(code: ErrorCode, fields: Vec<FieldFault>) -> Self {
        Self {
            fields,
            ..Self::new(code)
        }
    }

    /// A failure with its cause, for the log.
    #[must_use]
    pub fn caused_by(code: ErrorCode, source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Box::new(source)),
            ..Self::new(code)
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.title())
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The status only: `api::problem` writes the body, since it knows the request's id.
impl actix_web::ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }
}

impl From<VisionError> for ApiError {
    fn from(error: VisionError) -> Self {
        match error {
            VisionError::UnsupportedImage => Self::new(ErrorCode::UnsupportedImage),
            VisionError::CorruptImage => Self::new(ErrorCode::CorruptImage),
            VisionError::ImageTooLarge {
                width,
                height,
                max_pixels,
            } => Self::with_detail(
                ErrorCode::ImageTooLarge,
                format!(
                    "The picture has {width} x {height} pixels; at most {max_pixels} are taken."
                ),
            ),
            VisionError::Overloaded => Self::new(ErrorCode::Overloaded),
            VisionError::DeadlineExceeded => Self::new(ErrorCode::DeadlineExceeded),
            error @ (VisionError::WorkerLost | VisionError::Inference(_)) => {
                Self::caused_by(ErrorCode::Internal, error)
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { constraint } => Self::conflict(&constraint),
            // What the record belongs to was there when the request began and is gone now.
            StoreError::MissingReference { .. } => Self::new(ErrorCode::NotFound),
            error @ StoreError::InvalidValue(_) => {
                Self::caused_by(ErrorCode::ValidationFailed, error)
            }
            error @ StoreError::Unavailable(_) => Self::caused_by(ErrorCode::Unavailable, error),
            error @ (StoreError::Refused { .. }
            | StoreError::Corrupt(_)
            | StoreError::InvalidUrl(_)
            | StoreError::Unsupported(_)
            | StoreError::UnsafeSession(_)
            | StoreError::Migration(_)
            | StoreError::Database(_)) => Self::caused_by(ErrorCode::Internal, error),
        }
    }
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Vision { part, source } => Self::from(source).about(part),
            VerifyError::NoFace { part } => Self::of_field(
                ErrorCode::NoFace,
                part,
                "no_face",
                "no face was found in this picture",
            ),
            VerifyError::MultipleFaces { part, count } => Self::of_field(
                ErrorCode::MultipleFaces,
                part,
                "multiple_faces",
                format!("{count} faces were found; exactly one is wanted"),
            ),
            VerifyError::NoSuchWatchlist(id) => Self::of_field(
                ErrorCode::NotFound,
                "watchlist_ids",
                "not_found",
                format!("there is no watchlist {id}"),
            ),
            VerifyError::NotFound => Self::new(ErrorCode::NotFound),
            VerifyError::Store(source) => source.into(),
            error @ VerifyError::ModelsDiffer => Self::caused_by(ErrorCode::Internal, error),
        }
    }
}

impl ApiError {
    /// Names the part that a picture's failure belongs to, unless the fault is the service's own.
    fn about(mut self, part: &'static str) -> Self {
        if self.code.status().is_client_error() {
            let message = self
                .detail
                .clone()
                .unwrap_or_else(|| self.code.title().to_owned());
            self.fields.push(FieldFault {
                field: part.to_owned(),
                code: self.code.name().into(),
                message,
            });
        }
        self
    }

    fn conflict(constraint: &str) -> Self {
        let field = match constraint {
            "watchlists_name_unique" => "name",
            "subjects_external_id_unique" => "external_id",
            _ => return Self::new(ErrorCode::Conflict),
        };
        Self::of_field(
            ErrorCode::Conflict,
            field,
            "taken",
            "another record has this value already",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_name_that_the_documented_schema_gives_it() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }

    #[test]
    fn the_contract_of_codes_and_statuses_changes_only_on_purpose() {
        let table: Vec<String> = ErrorCode::ALL
            .map(|code| format!("{} {}", code.status().as_u16(), code.name()))
            .into();
        assert_eq!(
            table,
            [
                "400 malformed_request",
                "400 validation_failed",
                "400 missing_part",
                "401 unauthenticated",
                "403 forbidden",
                "404 not_found",
                "405 method_not_allowed",
                "409 conflict",
                "413 payload_too_large",
                "413 image_too_large",
                "415 unsupported_media_type",
                "415 unsupported_image",
                "422 corrupt_image",
                "422 no_face",
                "422 multiple_faces",
                "503 overloaded",
                "503 unavailable",
                "504 deadline_exceeded",
                "500 internal",
            ]
        );
    }
}
