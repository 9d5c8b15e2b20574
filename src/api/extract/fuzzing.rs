//! What the fuzz targets in `fuzz/` reach of the readers of bodies and cursors. Not part of the service.

use std::future::Future;

use actix_web::FromRequest as _;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::test::TestRequest;
use actix_web::web::{Bytes, Payload};
use serde::Deserialize as _;
use validator::Validate as _;

use super::{PageQuery, body, page, parts, rules};
use crate::api::verifications::CreateVerification;
use crate::error::ApiError;

const MAX_BODY_BYTES: usize = 4 * 1024;

/// Reads a form of parts, in pieces whose length its first byte tells, and makes a request of it.
pub fn multipart(input: &[u8]) {
    let Some((&length, body)) = input.split_first() else {
        return;
    };
    let chunks = body.chunks(usize::from(length).max(1));
    let chunks: Vec<_> = chunks
        .map(|chunk| Ok::<_, PayloadError>(Bytes::copy_from_slice(chunk)))
        .collect();
    let stream = Box::pin(futures_util::stream::iter(chunks));
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("multipart/form-data; boundary=b"),
    );
    finish(async {
        let payload = payload(actix_web::dev::Payload::Stream { payload: stream }).await;
        body::read_multipart(&headers, payload, MAX_BODY_BYTES).await
    });
}

/// Reads a JSON object and makes a request of it.
pub fn json(input: &[u8]) {
    let chunk = Ok::<_, PayloadError>(Bytes::copy_from_slice(input));
    let stream = Box::pin(futures_util::stream::iter([chunk]));
    finish(async {
        let payload = payload(actix_web::dev::Payload::Stream { payload: stream }).await;
        body::read_json(&HeaderMap::new(), payload, MAX_BODY_BYTES).await
    });
}

/// Reads a cursor, which has to come back as it was if it is one of ours.
pub fn cursor(input: &str) {
    let query = PageQuery {
        limit: None,
        cursor: Some(input.to_owned()),
    };
    match query.to_page() {
        Ok(page) => assert_eq!(page.after.map(page::encode), query.cursor),
        Err(error) => assert!(error.code.status().is_client_error()),
    }
}

async fn payload(mut payload: actix_web::dev::Payload) -> Payload {
    let request = TestRequest::default().to_http_request();
    let taken = Payload::from_request(&request, &mut payload).await;
    taken.expect("a payload can be taken from any request")
}

/// A fault of a body is its sender's.
fn finish(reading: impl Future<Output = Result<Vec<(String, parts::Part)>, ApiError>>) {
    let form = wait_for(reading).and_then(|entries| {
        let form = CreateVerification::deserialize(parts::Parts::new(entries))?;
        form.validate().map_err(|errors| rules::faults(&errors))
    });
    if let Err(error) = form {
        assert!(error.code.status().is_client_error(), "{error:?}");
    }
}

/// Nothing here waits for anything outside.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without drivers can be built");
    runtime.block_on(future)
}
