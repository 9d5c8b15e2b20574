//! From the failures of the other parts to what a caller is told.

use super::{ApiError, ErrorCode, FieldFault};
use crate::domain::budget::{Budget, Exhausted};
use crate::domain::ids::WatchlistId;
use crate::imports::ImportError;
use crate::store::{ModelChangeRefusal, REVIEWS_KEY, StoreError};
use crate::verify::{PoorPicture, VerifyError};
use crate::vision::VisionError;

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
                    "The picture has {width} x {height} pixels; at most {max_pixels} are taken, fewer where a pixel needs more memory."
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
            // The list was changed to another model after the face was looked at.
            error @ StoreError::InvalidValue(_) => {
                Self::caused_by(ErrorCode::ValidationFailed, error)
            }
            StoreError::ImageKeyMissing => Self::of_field(
                ErrorCode::ImageKeyMissing,
                "keep_images",
                "image_key_missing",
                "pictures are kept encrypted only, and this service has no LIKENESS_IMAGE_KEY",
            ),
            error @ (StoreError::Unavailable(_) | StoreError::ModelChanged) => {
                Self::caused_by(ErrorCode::Unavailable, error)
            }
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

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::InvalidArchive(why) => {
                let detail = format!("The archive cannot be read: {why}.");
                Self::with_detail(ErrorCode::InvalidArchive, detail)
            }
            ImportError::InvalidManifest(why) => {
                Self::of_field(ErrorCode::ValidationFailed, "manifest", "invalid", why)
            }
            ImportError::Empty => {
                let detail = "There is not a single picture in it.";
                Self::with_detail(ErrorCode::ValidationFailed, detail)
            }
            ImportError::TooLarge(most) => {
                Self::with_detail(ErrorCode::PayloadTooLarge, format!("Too large: {most}."))
            }
            ImportError::NotFound => Self::new(ErrorCode::NotFound),
            ImportError::AnotherEmbedder(id) => another_embedder(id),
            ImportError::Busy => Self::new(ErrorCode::Overloaded),
            ImportError::Store(source) => source.into(),
            // A disk that is full, most of all.
            error @ ImportError::Spool(_) => Self::caused_by(ErrorCode::Unavailable, error),
            error @ ImportError::Unpacking => Self::caused_by(ErrorCode::Internal, error),
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
            VerifyError::QualityTooLow(poor) => Self::of_fields(
                ErrorCode::QualityTooLow,
                poor.iter().flat_map(quality_faults).collect(),
            ),
            VerifyError::ConsentRequired => Self::of_field(
                ErrorCode::ConsentRequired,
                "consent",
                "required",
                "this service does not work on anybody without a reference to their consent",
            ),
            VerifyError::DuplicateSubject(duplicate_of) => Self::of_duplicates(duplicate_of),
            VerifyError::NoSuchWatchlist(id) => Self::of_field(
                ErrorCode::NotFound,
                "watchlist_ids",
                "not_found",
                format!("there is no watchlist {id}"),
            ),
            VerifyError::AnotherEmbedder(id) => another_embedder(id),
            VerifyError::UnusableModel(why) => Self::with_detail(
                ErrorCode::ModelNotUsable,
                format!("It cannot be used: {why}."),
            ),
            VerifyError::ModelChange(refusal) => {
                Self::with_detail(ErrorCode::ModelChangeConflict, unmovable(&refusal))
            }
            VerifyError::TemplatesMissing(faces) => Self::with_detail(
                ErrorCode::TemplatesMissing,
                format!("{faces} faces of the list have no template of that embedder."),
            ),
            VerifyError::NoModelChange => Self::with_detail(
                ErrorCode::ModelChangeConflict,
                "This list is not being moved, or not so that this could be done.",
            ),
            VerifyError::TooManyAttempts { retry_after } => Self::of_exhausted(Exhausted {
                budget: Budget::Attempts,
                retry_after,
            }),
            VerifyError::NoSuchSession => session_fault(
                ErrorCode::NotFound,
                "not_found",
                "there is no such liveness session",
            ),
            VerifyError::SessionNotPassed => session_fault(
                ErrorCode::LivenessSessionNotPassed,
                "not_passed",
                "its challenge was not passed, or its time is over",
            ),
            VerifyError::SessionUsed => session_fault(
                ErrorCode::LivenessSessionUsed,
                "used",
                "a verification rests on it already; a session is used once",
            ),
            VerifyError::NotFound => Self::new(ErrorCode::NotFound),
            VerifyError::Store(source) => source.into(),
            error @ VerifyError::ModelsDiffer => Self::caused_by(ErrorCode::Internal, error),
        }
    }
}

/// Why a list is not moved to another embedder.
fn unmovable(refusal: &ModelChangeRefusal) -> &'static str {
    match refusal {
        ModelChangeRefusal::NoSuchWatchlist => "There is no such list.",
        ModelChangeRefusal::AnotherIsOpen(_) => {
            "Another change of this list is open: finish it or roll it back first."
        }
        ModelChangeRefusal::InThatModel => "The list is in that embedder already.",
        ModelChangeRefusal::Mixed => {
            "The list holds faces of several embedders: delete those of all but one first."
        }
    }
}

/// What a list cannot do while the embedder of its faces is not there.
fn another_embedder(id: WatchlistId) -> ApiError {
    let detail = format!(
        "Watchlist {id} is in an embedder that this service does not have, or holds faces of several. Give it the files of \
         that embedder, or enrol the list's people on a new list."
    );
    ApiError::with_detail(ErrorCode::WatchlistOfAnotherEmbedder, detail)
}

fn session_fault(code: ErrorCode, fault: &'static str, message: &str) -> ApiError {
    ApiError::of_field(code, "liveness_session_id", fault, message)
}

/// One fault for each component that is not good enough.
fn quality_faults(picture: &PoorPicture) -> impl Iterator<Item = FieldFault> {
    let field = match picture.index {
        Some(index) => format!("image.{index}"),
        None => "image".to_owned(),
    };
    picture.shortfalls.iter().map(move |shortfall| FieldFault {
        field: field.clone(),
        code: shortfall.component.into(),
        message: shortfall.to_string(),
    })
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
            REVIEWS_KEY => {
                return Self::of_field(
                    ErrorCode::Conflict,
                    "corrects",
                    "not_the_latest",
                    "a verification is reviewed once; a correction names the number of the latest review",
                );
            }
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
