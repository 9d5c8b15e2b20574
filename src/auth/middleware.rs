//! From the `Authorization` header to a principal, before the body is touched.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _};

use super::principal::Principal;
use crate::error::{ApiError, ErrorCode};
use crate::state::AppState;

/// Lets a request through only with a valid token; every refusal looks the same from outside.
///
/// # Errors
/// Those of the inner service.
pub async fn authenticate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match principal(&request) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

fn principal(request: &ServiceRequest) -> Result<Principal, ApiError> {
    let refused = || ApiError::new(ErrorCode::Unauthenticated);
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(refused());
    };
    let (scheme, token) = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let state = request
        .app_data::<Data<AppState>>()
        .expect("the state is registered at start");
    state.tokens.verify(token.trim_start()).map_err(|refusal| {
        tracing::warn!(reason = %refusal, "a token was refused");
        refused()
    })
}
