//! How requests become values: forms of pictures and fields, queries and cursors.

mod body;
mod consent;
mod fingerprint;
mod form;
#[cfg(fuzzing)]
pub mod fuzzing;
mod image;
mod json;
mod key;
mod page;
mod parts;
pub mod present;
mod query;
pub mod rules;
mod upload;
pub(super) mod whole;

pub(super) use body::declared_length;
pub use consent::ConsentForm;
pub use form::{Form, JsonForm, Keyed, KeyedOrEmpty};
pub use image::{Image, picture_or_none};
pub use key::IDEMPOTENCY_KEY;
pub use page::{MAX_LIMIT, Page, PageQuery};
pub use query::{Path, Query};
pub use upload::Upload;
