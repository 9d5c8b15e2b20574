//! Bodies of imports: read piece by piece into spool files, never held in memory.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, HttpRequest};
use futures_util::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::body::{broken, declared_length, malformed, too_large};
use super::fingerprint;
use super::form::{essence, refuse_encoded};
use super::key::GivenKey;
use crate::error::{ApiError, ErrorCode};
use crate::imports::{Imports, Source, SpoolError};
use crate::store::KeyedRequest;

/// How long the next piece of a body may take to come.
const STALL: Duration = Duration::from_secs(30);
/// Parts that a form may have; more than it has.
const MAX_PARTS: usize = 4;
const FORM: &str = "multipart/form-data";
const LINES: &str = "application/x-ndjson";

/// The body of an import, not read yet.
///
/// It is taken over, not read, so that the handler can look for the list before a byte comes.
pub struct Upload {
    request: HttpRequest,
    payload: Payload,
    key: Option<GivenKey>,
}

/// A part on disk, and its hash where the request brings a key.
struct Received {
    file: std::fs::File,
    bytes: u64,
    hash: Option<Sha256>,
}

impl FromRequest for Upload {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let payload = Payload::from_request(request, payload).into_inner();
        let payload = payload.map_err(|_| ApiError::new(ErrorCode::MalformedRequest));
        let request = request.clone();
        ready(payload.and_then(|payload| {
            let key = GivenKey::of(&request)?;
            Ok(Self {
                request,
                payload,
                key,
            })
        }))
    }
}

impl Upload {
    /// Reads the whole body. What it is known by is found while it passes.
    ///
    /// # Errors
    /// `unsupported_media_type` for another kind of body, `payload_too_large` beyond the bound, `missing_part` and
    /// `validation_failed` for a form that is not as described, `malformed_request` where it ends early or stalls.
    pub async fn receive(
        self,
        imports: &Imports,
    ) -> Result<(Source, Option<KeyedRequest>), ApiError> {
        refuse_encoded(&self.request)?;
        self.refuse_declared_excess(imports.max_bytes())?;
        match essence(&self.request).as_deref() {
            Some(FORM) => self.receive_form(imports).await,
            Some(LINES) => {
                let chunks = self.payload.map(|chunk| chunk.map_err(broken));
                let lines = receive_part(chunks, imports, 0, self.key.is_some()).await?;
                let fingerprint = fingerprint::of_streams(LINES, &[("lines", lines.hash)]);
                let key = self.key.map(|key| key.with(fingerprint));
                Ok((Source::Ndjson(lines.file), key))
            }
            _ => Err(ApiError::with_detail(
                ErrorCode::UnsupportedMediaType,
                "Send multipart/form-data or application/x-ndjson.",
            )),
        }
    }

    fn refuse_declared_excess(&self, max_bytes: u64) -> Result<(), ApiError> {
        // What surrounds the parts of a form is not counted against them.
        match declared_length(self.request.headers()) {
            Some(length) if length > max_bytes.saturating_add(64 * 1024) => {
                Err(too_large(max_bytes))
            }
            _ => Ok(()),
        }
    }

    async fn receive_form(
        self,
        imports: &Imports,
    ) -> Result<(Source, Option<KeyedRequest>), ApiError> {
        let mut form = Multipart::new(self.request.headers(), self.payload);
        let (mut archive, mut manifest): (Option<Received>, Option<Received>) = (None, None);
        let mut used = 0;
        for _ in 0..=MAX_PARTS {
            let field = timeout(STALL, form.next()).await.map_err(|_| stalled())?;
            let Some(field) = field else {
                let archive =
                    archive.ok_or_else(|| fault(ErrorCode::MissingPart, "archive", "required"))?;
                return Ok(whole(archive, manifest, self.key));
            };
            let field = field.map_err(malformed)?;
            let name = field.name().unwrap_or_default().to_owned();
            let (slot, name) = match name.as_str() {
                "archive" => (&mut archive, "archive"),
                "manifest" => (&mut manifest, "manifest"),
                _ => {
                    let detail = "A form of an import has the parts archive and manifest.";
                    return Err(ApiError::with_detail(ErrorCode::ValidationFailed, detail));
                }
            };
            if slot.is_some() {
                return Err(fault(ErrorCode::ValidationFailed, name, "duplicate"));
            }
            let chunks = field.map(|chunk| chunk.map_err(malformed));
            let part = receive_part(chunks, imports, used, self.key.is_some()).await?;
            used += part.bytes;
            *slot = Some(part);
        }
        Err(ApiError::new(ErrorCode::PayloadTooLarge))
    }
}

/// A form all of whose parts have come.
fn whole(
    archive: Received,
    manifest: Option<Received>,
    key: Option<GivenKey>,
) -> (Source, Option<KeyedRequest>) {
    let (manifest, manifest_hash) = manifest.map(|part| (part.file, part.hash)).unzip();
    let hashes = [
        ("archive", archive.hash),
        ("manifest", manifest_hash.flatten()),
    ];
    let fingerprint = fingerprint::of_streams(FORM, &hashes);
    let source = Source::Archive(archive.file, manifest);
    (source, key.map(|key| key.with(fingerprint)))
}

async fn receive_part(
    chunks: impl Stream<Item = Result<Bytes, ApiError>>,
    imports: &Imports,
    used: u64,
    keyed: bool,
) -> Result<Received, ApiError> {
    let mut spool = imports.spool(used).map_err(unspooled)?;
    let mut hash = keyed.then(Sha256::new);
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = timeout(STALL, chunks.next()).await.map_err(|_| stalled())? {
        let chunk = chunk?;
        if let Some(hash) = &mut hash {
            hash.update(&chunk);
        }
        spool.write(&chunk).await.map_err(refused)?;
    }
    Ok(Received {
        bytes: spool.len(),
        file: spool.finish().await.map_err(refused)?,
        hash,
    })
}

fn refused(error: SpoolError) -> ApiError {
    match error {
        SpoolError::TooLarge(max_bytes) => too_large(max_bytes),
        SpoolError::Io(error) => unspooled(error),
    }
}

/// A disk that is full, most of all.
fn unspooled(error: std::io::Error) -> ApiError {
    ApiError::caused_by(ErrorCode::Unavailable, error)
}

fn stalled() -> ApiError {
    broken(PayloadError::Incomplete(None))
}

fn fault(code: ErrorCode, part: &'static str, fault: &'static str) -> ApiError {
    let message = match fault {
        "required" => "is required",
        _ => "is given more than once",
    };
    ApiError::of_field(code, part, fault, message)
}
