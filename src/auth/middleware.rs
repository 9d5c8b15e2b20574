//! From the `Authorization` header to a principal, before the body is touched.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _};

use super::audit;
use super::bearer::bearer;
use super::one_time::spend;
use super::principal::Principal;
use super::refusal::TokenError;
use crate::error::ApiError;
use crate::state::AppState;

/// Lets a request through only with a valid token; every refusal looks the same from outside.
///
/// # Errors
/// Those of the inner service.
pub async fn authenticate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match principal(&request).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(error) => {
            if let TokenError::Refused(reason) = error {
                audit::token_refused(reason);
            }
            Ok(request.error_response(ApiError::from(error)))
        }
    }
}

async fn principal(request: &ServiceRequest) -> Result<Principal, TokenError> {
    let token = bearer(request)?;
    let state = request
        .app_data::<Data<AppState>>()
        .expect("the state is registered at start");
    let verified = state.tokens.verify(token).await?;
    if let Some(one_time) = verified.one_time {
        spend(state.verifier.store(), &verified.principal.tenant, one_time).await?;
    }
    Ok(verified.principal)
}
