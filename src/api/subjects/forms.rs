//! What requests about people may say.

use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::api::extract::present::{self, present};
use crate::api::extract::rules::{self, MAX_EXTERNAL_ID_CHARS, MAX_NAME_CHARS};
use crate::api::extract::{ConsentForm, Image, MAX_LIMIT, PageQuery};
use crate::domain::metadata::Metadata;
use crate::error::ApiError;
use crate::state::Limits;
use crate::store::{NewSubject, PageRequest, SubjectChange, SubjectFilter};

/// Most pictures that one request about a person brings.
const MAX_IMAGES: u64 = 10;

/// A person to look for.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubject {
    /// The caller's own key, 1 to 128 characters, unique within the list.
    #[validate(length(min = 1, max = MAX_EXTERNAL_ID_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 128, example = "case-4711")]
    pub external_id: Option<String>,
    /// Name to show with a hit, 1 to 200 characters.
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "J. Doe")]
    pub display_name: Option<String>,
    /// The caller's own data: a JSON object of at most 16 KiB, nested at most 16 deep.
    #[serde(default)]
    #[validate(custom(function = rules::metadata))]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    /// On what the person agreed to. Some services require it: `consent_required` otherwise.
    #[validate(nested)]
    pub consent: Option<ConsentForm>,
    /// From this instant on (RFC 3339) the person is no longer found.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub valid_until: Option<OffsetDateTime>,
    /// Pictures with exactly one face each, all of this person, at most 10; repeat the part for several.
    #[serde(default)]
    #[validate(length(max = MAX_IMAGES))]
    #[schema(max_items = 10)]
    pub image: Vec<Image>,
}

impl CreateSubject {
    /// The person and the pictures, none too large.
    pub(super) fn split(self, limits: &Limits) -> Result<(NewSubject, Vec<Vec<u8>>), ApiError> {
        let subject = NewSubject {
            external_id: self.external_id,
            display_name: self.display_name,
            metadata: self.metadata,
            consent: self.consent.map(Into::into),
            valid_until: self.valid_until,
        };
        Ok((subject, admitted(self.image, limits)?))
    }
}

/// Everything about a person but their key, which the path names.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSubject {
    /// Name to show with a hit, 1 to 200 characters; none unless given.
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[schema(min_length = 1, max_length = 200, example = "J. Doe")]
    pub display_name: Option<String>,
    /// The caller's own data: a JSON object of at most 16 KiB, nested at most 16 deep; empty unless given.
    #[serde(default)]
    #[validate(custom(function = rules::metadata))]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    /// On what the person agreed to. Some services require it: `consent_required` otherwise.
    #[validate(nested)]
    pub consent: Option<ConsentForm>,
    /// From this instant on (RFC 3339) the person is no longer found; without end unless given.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub valid_until: Option<OffsetDateTime>,
    /// Pictures with exactly one face each, all of this person, at most 10. They take the place of every face that
    /// the person has; without any, those stay.
    #[serde(default)]
    #[validate(length(max = MAX_IMAGES))]
    #[schema(max_items = 10)]
    pub image: Vec<Image>,
}

impl PutSubject {
    /// The person of that key and the pictures, none too large.
    pub(super) fn split(
        self,
        external_id: ExternalId,
        limits: &Limits,
    ) -> Result<(NewSubject, Vec<Vec<u8>>), ApiError> {
        let subject = NewSubject {
            external_id: Some(external_id.external_id),
            display_name: self.display_name,
            metadata: self.metadata,
            consent: self.consent.map(Into::into),
            valid_until: self.valid_until,
        };
        Ok((subject, admitted(self.image, limits)?))
    }
}

fn admitted(images: Vec<Image>, limits: &Limits) -> Result<Vec<Vec<u8>>, ApiError> {
    let images = images.into_iter();
    images.map(|image| image.within(limits, "image")).collect()
}

/// The key in a path, which is held to the rules of the field.
#[derive(Debug, Validate)]
pub(super) struct ExternalId {
    #[validate(length(min = 1, max = MAX_EXTERNAL_ID_CHARS), custom(function = rules::printable))]
    external_id: String,
}

impl ExternalId {
    /// Checks a key.
    pub(super) fn checked(external_id: String) -> Result<Self, ApiError> {
        let key = Self { external_id };
        key.validate().map_err(|errors| rules::faults(&errors))?;
        Ok(key)
    }
}

/// What is to be different about a person: a field that is absent stays, `null` clears it.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchSubject {
    /// The caller's own key, 1 to 128 characters, unique within the list.
    #[serde(default, deserialize_with = "present")]
    #[validate(length(min = 1, max = MAX_EXTERNAL_ID_CHARS), custom(function = rules::printable))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "case-4711")]
    pub external_id: Option<Option<String>>,
    /// Name to show with a hit, 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, example = "J. Doe")]
    pub display_name: Option<Option<String>>,
    /// The caller's own data, all of it anew: a JSON object of at most 16 KiB, nested at most 16 deep.
    #[serde(default, deserialize_with = "present")]
    #[validate(custom(function = rules::metadata))]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Option<Metadata>>,
    /// On what the person agreed to, all of it anew. Where consent is withdrawn, erase the person instead.
    #[serde(default, deserialize_with = "present")]
    #[validate(nested)]
    #[schema(value_type = Option<ConsentForm>)]
    pub consent: Option<Option<ConsentForm>>,
    /// From this instant on (RFC 3339) the person is no longer found. One that is past takes them out at once.
    #[serde(default, deserialize_with = "present::time")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2030-12-31T23:59:59Z")]
    pub valid_until: Option<Option<OffsetDateTime>>,
}

impl From<PatchSubject> for SubjectChange {
    fn from(patch: PatchSubject) -> Self {
        Self {
            external_id: patch.external_id,
            display_name: patch.display_name,
            metadata: patch.metadata.map(Option::unwrap_or_default),
            consent: patch.consent.map(|consent| consent.map(Into::into)),
            valid_until: patch.valid_until,
        }
    }
}

/// Which people a list is to hold; everything that is given must hold.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSubjectsQuery {
    /// Only the one with this key.
    #[validate(custom(function = rules::printable))]
    pub external_id: Option<String>,
    /// Only those with this as a part of their name, in whatever case.
    #[validate(length(min = 1, max = MAX_NAME_CHARS), custom(function = rules::printable))]
    #[param(min_length = 1, max_length = 200)]
    pub display_name: Option<String>,
    /// `true`: only those who can be found; `false`: only those whose `valid_until` is past.
    pub valid: Option<bool>,
    /// Only those put on the list at this instant (RFC 3339) or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub created_after: Option<OffsetDateTime>,
    /// Only those put on the list before this instant (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub created_before: Option<OffsetDateTime>,
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl ListSubjectsQuery {
    /// The filter and the page, as the store understands them.
    pub(super) fn split(self) -> Result<(SubjectFilter, PageRequest), ApiError> {
        let page = PageQuery {
            limit: self.limit,
            cursor: self.cursor,
        };
        let filter = SubjectFilter {
            external_id: self.external_id,
            display_name: self.display_name,
            valid: self.valid,
            created_after: self.created_after,
            created_before: self.created_before,
        };
        Ok((filter, page.to_page()?))
    }
}

/// A picture of a person's face.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateFace {
    /// The picture; it must show exactly one face.
    pub image: Image,
}
