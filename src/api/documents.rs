//! Identity documents by themselves: nothing here is kept.

use actix_web::post;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

use super::extract::rules;
use super::extract::{Form, Image, picture_or_none};
use super::views::DocumentReadingView;
use crate::auth::{Authorized, Verify};
use crate::domain::mrz::{CivilDate, Expected, Sex};
use crate::error::ApiError;
use crate::state::AppState;

/// Most characters of a text that a document is expected to say.
const MAX_EXPECTED_CHARS: u64 = 200;

/// The routes of this resource.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(read_document);
}

/// What the document is expected to say. What is not given is not compared.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedForm {
    /// Number of the document; spaces and hyphens make no difference.
    #[validate(length(min = 1, max = MAX_EXPECTED_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "L898902C3")]
    pub document_number: Option<String>,
    /// When the holder was born.
    #[schema(value_type = Option<String>, format = Date, example = "1974-08-12")]
    pub date_of_birth: Option<CivilDate>,
    /// Until when the document is valid.
    #[schema(value_type = Option<String>, format = Date, example = "2034-06-30")]
    pub expiry_date: Option<CivilDate>,
    /// Given names; the first of several will do.
    #[validate(length(min = 1, max = MAX_EXPECTED_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "Anna Maria")]
    pub first_names: Option<String>,
    /// Surname.
    #[validate(length(min = 1, max = MAX_EXPECTED_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "Eriksson")]
    pub last_names: Option<String>,
    /// Citizenship, as three letters of ISO 3166-1.
    #[validate(length(min = 1, max = 3), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 3, example = "SWE")]
    pub nationality: Option<String>,
    /// `M`, `F` or `X`.
    #[schema(value_type = Option<String>, example = "F")]
    pub sex: Option<Sex>,
    /// Who issued it, as three letters of ISO 3166-1.
    #[validate(length(min = 1, max = 3), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 3, example = "SWE")]
    pub issuing_state: Option<String>,
}

impl From<ExpectedForm> for Expected {
    fn from(form: ExpectedForm) -> Self {
        Self {
            document_number: form.document_number,
            date_of_birth: form.date_of_birth,
            expiry_date: form.expiry_date,
            first_names: form.first_names,
            last_names: form.last_names,
            nationality: form.nationality,
            sex: form.sex,
            issuing_state: form.issuing_state,
        }
    }
}

/// A document.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadDocument {
    /// The side with the portrait.
    pub document: Image,
    /// The other side, where cards have their machine-readable zone.
    #[serde(default, deserialize_with = "picture_or_none")]
    pub document_back: Option<Image>,
    /// What the document is expected to say; it is compared with the machine-readable zone.
    #[serde(default)]
    #[validate(nested)]
    pub expected: ExpectedForm,
}

/// Read a document
///
/// Finds the portrait and the machine-readable zone (ICAO Doc 9303: TD1, TD2, TD3, MRV-A, MRV-B), also where the document is
/// turned, tells each field and each check digit by itself, and compares the fields in `expected`. No portrait and no zone
/// are answers. Nothing is kept.
#[utoipa::path(
    tag = "documents",
    security(("bearer" = ["verify"])),
    request_body(content((ReadDocument = "multipart/form-data"), (ReadDocument = "application/json"))),
    responses((status = 200, description = "What was read", body = DocumentReadingView))
)]
#[post("/documents/read")]
pub async fn read_document(
    _caller: Authorized<Verify>,
    state: Data<AppState>,
    Form(form): Form<ReadDocument>,
) -> Result<Json<DocumentReadingView>, ApiError> {
    let document = form.document.within(&state.limits, "document")?;
    let back = form
        .document_back
        .map(|back| back.within(&state.limits, "document_back"))
        .transpose()?;
    let expected = form.expected.into();
    let read = state.verifier.read_document(document, back, &expected);
    Ok(Json(read.await?.into()))
}
