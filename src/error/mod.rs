//! The error contract: every failure a caller can see has one row in the table of [`ErrorCode`].
//!
//! Bodies are RFC 9457 problems, written by `api::problem`; the cause of a 5xx is logged once, there, and never sent.

mod code;
mod sources;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

pub use code::ErrorCode;

use crate::domain::budget::{Budget, Exhausted};
use crate::domain::duplicate::Duplicate;

/// Seconds after which a caller may try again, in the `Retry-After` header of what passes.
const RETRY_AFTER_SECONDS: u64 = 1;

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
    /// Whom a face was found to be, where that is what is wrong with it.
    pub duplicate_of: Vec<Duplicate>,
    /// What has to refill first, where that is what is wrong.
    pub exhausted: Option<Exhausted>,
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
            duplicate_of: Vec::new(),
            exhausted: None,
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

    /// A face that belongs to somebody else already.
    #[must_use]
    pub fn of_duplicates(duplicate_of: Vec<Duplicate>) -> Self {
        Self {
            duplicate_of,
            ..Self::new(ErrorCode::DuplicateSubject)
        }
    }

    /// A budget that is used up.
    #[must_use]
    pub fn of_exhausted(exhausted: Exhausted) -> Self {
        let (code, detail) = match exhausted.budget {
            Budget::Attempts => (ErrorCode::TooManyAttempts, None),
            budget
            @ (Budget::Requests | Budget::Bytes | Budget::Concurrency | Budget::Searches) => {
                let detail = format!("The budget of {budget} is used up for now.");
                (ErrorCode::RateLimited, Some(detail))
            }
        };
        Self {
            detail,
            exhausted: Some(exhausted),
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

    /// Seconds after which a caller may try again, where trying again is all there is to do.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self.exhausted {
            Some(exhausted) => Some(whole_seconds(exhausted.retry_after)),
            None => self.code.passes().then_some(RETRY_AFTER_SECONDS),
        }
    }
}

/// A second too late is better than one too early.
#[must_use]
pub fn whole_seconds(duration: Duration) -> u64 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    seconds.max(1)
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
