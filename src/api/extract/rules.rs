//! Rules that several forms share, and how their faults are told.

use std::borrow::Cow;

use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::domain::metadata::{Metadata, MetadataFault, check_metadata};
pub use crate::domain::watchlist::{MAX_EXTERNAL_ID_CHARS, MAX_NAME_CHARS};
use crate::error::{ApiError, ErrorCode, FieldFault};

/// Refuses control characters, U+0000 among them, which a database cannot hold and a log should not show.
///
/// # Errors
/// `control_character` where there is one.
pub fn printable(text: &str) -> Result<(), ValidationError> {
    if text.chars().any(char::is_control) {
        return Err(fault(
            "control_character",
            "must not hold control characters",
        ));
    }
    Ok(())
}

/// The same for a text of several lines: breaks and tabs may stand in it.
///
/// # Errors
/// `control_character` where there is another one.
pub fn text(text: &str) -> Result<(), ValidationError> {
    let lines = text.replace(['\n', '\r', '\t'], "");
    printable(&lines)
}

/// Bounds the caller's own data.
///
/// # Errors
/// `too_large`, `too_deep`, or `control_character` where a text holds U+0000.
pub fn metadata(metadata: &Metadata) -> Result<(), ValidationError> {
    check_metadata(metadata).map_err(|broken| {
        let code = match broken {
            MetadataFault::TooLarge => "too_large",
            MetadataFault::TooDeep => "too_deep",
            MetadataFault::HoldsNul => "control_character",
        };
        fault(code, broken.to_string())
    })
}

fn fault(code: &'static str, message: impl Into<Cow<'static, str>>) -> ValidationError {
    ValidationError::new(code).with_message(message.into())
}

/// A validator's findings as faults by field. The values that it keeps in its parameters stay behind.
#[must_use]
pub fn faults(errors: &ValidationErrors) -> ApiError {
    let mut faults = Vec::new();
    collect(errors, "", &mut faults);
    faults.sort_by(|a, b| a.field.cmp(&b.field));
    ApiError::of_fields(ErrorCode::ValidationFailed, faults)
}

fn collect(errors: &ValidationErrors, prefix: &str, faults: &mut Vec<FieldFault>) {
    for (name, kind) in errors.errors() {
        let field = format!("{prefix}{name}");
        match kind {
            ValidationErrorsKind::Field(errors) => {
                faults.extend(errors.iter().map(|error| field_fault(field.clone(), error)));
            }
            ValidationErrorsKind::Struct(nested) => collect(nested, &format!("{field}."), faults),
            ValidationErrorsKind::List(items) => {
                for (index, nested) in items {
                    collect(nested, &format!("{field}.{index}."), faults);
                }
            }
        }
    }
}

fn field_fault(field: String, error: &ValidationError) -> FieldFault {
    let message = match (
        &error.message,
        error.params.get("min"),
        error.params.get("max"),
    ) {
        (Some(message), _, _) => message.to_string(),
        (None, Some(min), Some(max)) => format!("must be between {min} and {max}"),
        (None, Some(min), None) => format!("must be at least {min}"),
        (None, None, Some(max)) => format!("must be at most {max}"),
        (None, None, None) => "is not valid".to_owned(),
    };
    let code: Cow<'static, str> = error.code.clone();
    FieldFault {
        field,
        code,
        message,
    }
}
