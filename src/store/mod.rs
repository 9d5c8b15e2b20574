//! Everything that is kept: every SQL statement of the service, and nothing but.
//!
//! A [`Store`] is a pool of connections that work as the role `likeness_service`, which row-level security binds.
//! Records of a tenant are reached through a [`TenantTx`] alone: a transaction that has named its tenant before its
//! first statement. The use case begins and commits it; the functions here never do.
//!
//! The store looks into no picture and knows no models beyond a template and its id, and pgvector is known only here.

mod attempts;
mod audit;
mod coarse;
mod connection;
mod erasures;
mod error;
mod faces;
mod forms;
mod galleries;
mod idempotency;
mod images;
mod jobs;
mod liveness_sessions;
mod model_changes;
mod moving;
mod page;
mod rekeying;
mod retention;
mod reviews;
mod search;
mod search_each;
mod session;
mod subjects;
mod taking_in;
mod transaction;
mod used_tokens;
mod verifications;
mod versions;
mod watchlists;

pub use attempts::ReferenceHash;
pub use audit::{AuditFilter, AuditReader, ChainFault, ChainHead, ChainReport, InvalidHead};
pub use connection::{Connections, SearchSettings, Store};
pub use erasures::NewErasure;
pub use error::StoreError;
pub use faces::NewFace;
pub use forms::{TemplateKey, TemplateKeys, model_of};
pub(crate) use galleries::CHANGES_KEPT;
pub use idempotency::{HeldKey, KeyClaim, KeyedRequest, StoredAnswer};
pub use images::{ImageKey, ImageKeys, ReencryptedPage};
pub use jobs::{Claim, Duty, FinishedRow, Holder, NewJobRow, PendingRow, RowContent, RowOutcome};
pub use liveness_sessions::{FrameMarks, KeptLivenessSession};
pub use model_changes::{ListModels, ModelChangeRefusal, NewModelChange, SubjectToEnrol, Switch};
pub use page::{Page, PageRequest};
pub use reviews::{NewReview, REVIEWS_KEY};
pub use search::{GalleryMatches, GalleryQuery};
pub use search_each::EachMatches;
pub use subjects::{KnownSubject, NewSubject, SubjectChange, SubjectFilter};
pub use transaction::{TenantTx, Uncommitted};
pub use verifications::VerificationFilter;
pub use versions::UnsupportedDatabase;
pub use watchlists::{NewWatchlist, WatchlistChange, WatchlistFilter, WatchlistPolicy};
