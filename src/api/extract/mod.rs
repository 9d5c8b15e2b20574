//! How requests become values: forms of pictures and fields, queries and cursors.

mod body;
mod form;
#[cfg(fuzzing)]
pub mod fuzzing;
mod image;
mod json;
mod page;
mod parts;
pub mod present;
mod query;
pub mod rules;
mod upload;

pub(super) use body::declared_length;
pub use form::{Form, JsonForm};
pub use image::Image;
pub use page::{MAX_LIMIT, Page, PageQuery};
pub use query::{Path, Query};
pub use upload::Upload;
