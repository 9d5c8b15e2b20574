//! The table of codes: the only place that names a failure status.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

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
    /// What was sent as a ZIP archive cannot be read as one.
    InvalidArchive,
    /// This service requires the consent of the person to be named.
    ConsentRequired,
    /// No token, or one that is not valid.
    Unauthenticated,
    /// The token lacks the scope of this route.
    Forbidden,
    /// There is no such route or record.
    NotFound,
    /// The route exists, but not with this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The record exists already.
    Conflict,
    /// The face belongs to somebody who is on the list already; see `duplicate_of`.
    DuplicateSubject,
    /// The list is in an embedder that is not there, so that nothing can be compared with it.
    WatchlistOfAnotherEmbedder,
    /// No templates can be made with this embedder.
    ModelNotUsable,
    /// The list cannot be moved to another embedder now, or no such move is open.
    ModelChangeConflict,
    /// Faces of the list have no template of the embedder that it is to be in.
    TemplatesMissing,
    /// The person has not passed the challenge of this liveness session, or its time is over.
    LivenessSessionNotPassed,
    /// Another verification rests on this liveness session.
    LivenessSessionUsed,
    /// A request with this `Idempotency-Key` is being worked on; it can be sent again after `Retry-After`.
    IdempotencyKeyInUse,
    /// What the request with this `Idempotency-Key` was answered with has been deleted since.
    IdempotencyKeySpent,
    /// The `Idempotency-Key` was sent with another payload before.
    IdempotencyKeyReused,
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
    /// The face is too poor to be enrolled; see `fields`.
    QualityTooLow,
    /// The pictures of a list are to be kept, and this service has no key to encrypt them with.
    ImageKeyMissing,
    /// The budget of the token's holder is used up.
    RateLimited,
    /// Too many checks of one person were not approved of late.
    TooManyAttempts,
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
    pub const ALL: [Self; 36] = [
        Self::MalformedRequest,
        Self::ValidationFailed,
        Self::MissingPart,
        Self::InvalidArchive,
        Self::ConsentRequired,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTimeout,
        Self::Conflict,
        Self::DuplicateSubject,
        Self::WatchlistOfAnotherEmbedder,
        Self::ModelNotUsable,
        Self::ModelChangeConflict,
        Self::TemplatesMissing,
        Self::LivenessSessionNotPassed,
        Self::LivenessSessionUsed,
        Self::IdempotencyKeyInUse,
        Self::IdempotencyKeySpent,
        Self::IdempotencyKeyReused,
        Self::PayloadTooLarge,
        Self::ImageTooLarge,
        Self::UnsupportedMediaType,
        Self::UnsupportedImage,
        Self::CorruptImage,
        Self::NoFace,
        Self::MultipleFaces,
        Self::QualityTooLow,
        Self::ImageKeyMissing,
        Self::RateLimited,
        Self::TooManyAttempts,
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
            Self::InvalidArchive => (
                "invalid_archive",
                S::BAD_REQUEST,
                "The archive cannot be read",
            ),
            Self::ConsentRequired => (
                "consent_required",
                S::BAD_REQUEST,
                "The person's consent has to be named",
            ),
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
            Self::BodyTimeout => (
                "body_timeout",
                S::REQUEST_TIMEOUT,
                "The body did not arrive in time",
            ),
            Self::Conflict => ("conflict", S::CONFLICT, "It exists already"),
            Self::DuplicateSubject => (
                "duplicate_subject",
                S::CONFLICT,
                "The face belongs to somebody who is on the list already",
            ),
            Self::WatchlistOfAnotherEmbedder => (
                "watchlist_of_another_embedder",
                S::CONFLICT,
                "The list is in an embedder that is not there",
            ),
            Self::ModelNotUsable => (
                "model_not_usable",
                S::CONFLICT,
                "No templates can be made with this embedder",
            ),
            Self::ModelChangeConflict => (
                "model_change_conflict",
                S::CONFLICT,
                "The list cannot be moved like this now",
            ),
            Self::TemplatesMissing => (
                "templates_missing",
                S::CONFLICT,
                "Faces of the list have no template of that embedder",
            ),
            Self::LivenessSessionNotPassed => (
                "liveness_session_not_passed",
                S::CONFLICT,
                "The liveness session was not passed",
            ),
            Self::LivenessSessionUsed => (
                "liveness_session_used",
                S::CONFLICT,
                "The liveness session was used already",
            ),
            Self::IdempotencyKeyInUse => (
                "idempotency_key_in_use",
                S::CONFLICT,
                "A request with this key is being worked on",
            ),
            Self::IdempotencyKeySpent => (
                "idempotency_key_spent",
                S::GONE,
                "What this key was answered with has been deleted",
            ),
            Self::IdempotencyKeyReused => (
                "idempotency_key_reused",
                S::UNPROCESSABLE_ENTITY,
                "This key belongs to another request",
            ),
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
            Self::QualityTooLow => (
                "quality_too_low",
                S::UNPROCESSABLE_ENTITY,
                "The face is too poor to be enrolled",
            ),
            Self::ImageKeyMissing => (
                "image_key_missing",
                S::UNPROCESSABLE_ENTITY,
                "There is no key to keep pictures under",
            ),
            Self::RateLimited => (
                "rate_limited",
                S::TOO_MANY_REQUESTS,
                "A budget of this token is used up",
            ),
            Self::TooManyAttempts => (
                "too_many_attempts",
                S::TOO_MANY_REQUESTS,
                "Too many checks of this person were not approved",
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

    /// Whether the same request may succeed a little later, which `Retry-After` then says.
    #[must_use]
    pub fn passes(self) -> bool {
        matches!(
            self.status(),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ) || self == Self::IdempotencyKeyInUse
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
                "400 invalid_archive",
                "400 consent_required",
                "401 unauthenticated",
                "403 forbidden",
                "404 not_found",
                "405 method_not_allowed",
                "408 body_timeout",
                "409 conflict",
                "409 duplicate_subject",
                "409 watchlist_of_another_embedder",
                "409 model_not_usable",
                "409 model_change_conflict",
                "409 templates_missing",
                "409 liveness_session_not_passed",
                "409 liveness_session_used",
                "409 idempotency_key_in_use",
                "410 idempotency_key_spent",
                "422 idempotency_key_reused",
                "413 payload_too_large",
                "413 image_too_large",
                "415 unsupported_media_type",
                "415 unsupported_image",
                "422 corrupt_image",
                "422 no_face",
                "422 multiple_faces",
                "422 quality_too_low",
                "422 image_key_missing",
                "429 rate_limited",
                "429 too_many_attempts",
                "503 overloaded",
                "503 unavailable",
                "504 deadline_exceeded",
                "500 internal",
            ]
        );
    }
}
