//! Measurements of speed on this machine: `likeness bench`.

mod curve;
mod database;
mod import;
mod load;
mod measure;
mod report;
mod request;
mod search;
mod service;
mod synthetic;
mod verify;

pub use import::{ImportOptions, ImportReport, import};
pub use report::{GalleryReport, SearchReport};
pub use request::RequestOptions;
pub use search::{SearchOptions, search};
pub use verify::{MEGAPIXELS, VerifyOptions, VerifyReport, jpeg_of, verify};
