//! Reading a request's body within its bounds.

use actix_multipart::{Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::{Stream, StreamExt as _};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::json::Unambiguous;
use super::parts::Part;
use crate::error::{ApiError, ErrorCode};

/// More parts than any form has, fewer than hurt.
const MAX_PARTS: usize = 64;

/// Reads a JSON object, its members in order and duplicates kept, so that they can be refused by name.
pub(super) async fn read_json(
    headers: &HeaderMap,
    payload: Payload,
    max_bytes: usize,
) -> Result<Vec<(String, Part)>, ApiError> {
    refuse_declared_excess(headers, max_bytes)?;
    let bytes = collect(payload, max_bytes).await?;
    let Members(members) = serde_json::from_slice(&bytes).map_err(|_| {
        ApiError::with_detail(
            ErrorCode::MalformedRequest,
            "The body is not a JSON object, or one of its objects gives a name twice.",
        )
    })?;
    Ok(members)
}

/// Reads the parts of a form, those of one name together.
pub(super) async fn read_multipart(
    headers: &HeaderMap,
    payload: Payload,
    max_bytes: usize,
) -> Result<Vec<(String, Part)>, ApiError> {
    refuse_declared_excess(headers, max_bytes)?;
    let mut multipart = Multipart::new(headers, bounded(payload, max_bytes));
    let mut parts: Vec<(String, Part)> = Vec::new();
    let mut count = 0;
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(malformed)?;
        count += 1;
        if count > MAX_PARTS {
            let detail = format!("A form has at most {MAX_PARTS} parts.");
            return Err(ApiError::with_detail(ErrorCode::PayloadTooLarge, detail));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(malformed)?;
            bytes.extend_from_slice(&chunk);
        }
        push(&mut parts, name, Part::Bytes(bytes));
    }
    Ok(parts)
}

/// Adds a part; a second one of the same name makes a list.
fn push(parts: &mut Vec<(String, Part)>, name: String, part: Part) {
    match parts.iter_mut().find(|(known, _)| *known == name) {
        Some((_, Part::Repeated(list))) => list.push(part),
        Some((_, first)) => {
            let earlier = std::mem::replace(first, Part::Repeated(Vec::new()));
            *first = Part::Repeated(vec![earlier, part]);
        }
        None => parts.push((name, part)),
    }
}

/// A body that breaks off beyond so many bytes, those of headers and boundaries between the parts included.
fn bounded(
    payload: Payload,
    max_bytes: usize,
) -> impl Stream<Item = Result<Bytes, PayloadError>> + 'static {
    let mut left = max_bytes;
    payload.map(move |chunk| {
        let chunk = chunk?;
        left = left
            .checked_sub(chunk.len())
            .ok_or(PayloadError::Overflow)?;
        Ok(chunk)
    })
}

async fn collect(mut payload: Payload, max_bytes: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(broken)?;
        if body.len() + chunk.len() > max_bytes {
            return Err(too_large(max_bytes as u64));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn refuse_declared_excess(headers: &HeaderMap, max_bytes: usize) -> Result<(), ApiError> {
    match declared_length(headers) {
        Some(length) if length > max_bytes as u64 => Err(too_large(max_bytes as u64)),
        _ => Ok(()),
    }
}

/// How long the body is to be, where its sender says so.
pub(in crate::api) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn too_large(max_bytes: u64) -> ApiError {
    let detail = format!("A request has at most {max_bytes} bytes here.");
    ApiError::with_detail(ErrorCode::PayloadTooLarge, detail)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive; all the rest are faults of the form"
)]
pub(super) fn malformed(error: MultipartError) -> ApiError {
    match error {
        MultipartError::Payload(error) => broken(error),
        error => ApiError::with_detail(
            ErrorCode::MalformedRequest,
            format!("The form is broken: {error}."),
        ),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive; all the rest are faults of the stream"
)]
pub(super) fn broken(error: PayloadError) -> ApiError {
    match error {
        PayloadError::Overflow => ApiError::new(ErrorCode::PayloadTooLarge),
        _ => ApiError::with_detail(
            ErrorCode::MalformedRequest,
            "The body ended early or is broken.",
        ),
    }
}

/// The members of a JSON object as they were written.
struct Members(Vec<(String, Part)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, Unambiguous(value))) = map.next_entry()? {
                    members.push((name, Part::Json(value)));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
