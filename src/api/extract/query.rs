//! Query strings and paths whose failures keep to the error contract.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::rules;
use crate::error::{ApiError, ErrorCode};

/// A checked query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Validate> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = web::Query::<T>::from_query(request.query_string())
            .map_err(|_| {
                ApiError::with_detail(
                    ErrorCode::ValidationFailed,
                    "The query string is not valid.",
                )
            })
            .and_then(|query| {
                query.validate().map_err(|errors| rules::faults(&errors))?;
                Ok(Self(query.into_inner()))
            });
        ready(query)
    }
}

/// The ids of a path. A text that is no id names nothing, so it is not found.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let ids = web::Path::<T>::from_request(request, payload).into_inner();
        ready(
            ids.map(|ids| Self(ids.into_inner()))
                .map_err(|_| ApiError::new(ErrorCode::NotFound)),
        )
    }
}
