//! Measurements of speed on this machine: `likeness bench`.

mod load;
mod measure;
mod report;
mod search;
mod synthetic;

pub use report::{GalleryReport, SearchReport};
pub use search::{SearchOptions, search};
