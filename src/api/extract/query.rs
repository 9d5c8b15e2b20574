//! Query strings and paths whose failures keep to the error contract.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::rules;
use crate::error::{ApiError, ErrorCode};

/// Characters of a parameter's name that an answer repeats.
const MAX_NAME_CHARS: usize = 64;

/// A checked query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Validate> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = request.query_string();
        let query = web::Query::<T>::from_query(query)
            .map_err(|_| unreadable::<T>(query))
            .and_then(|query| {
                query.validate().map_err(|errors| rules::faults(&errors))?;
                Ok(Self(query.into_inner()))
            });
        ready(query)
    }
}

/// What is wrong with a query: every parameter may stand alone, so the faulty one is who cannot.
fn unreadable<T: DeserializeOwned>(query: &str) -> ApiError {
    let faulty = query
        .split('&')
        .find(|pair| web::Query::<T>::from_query(pair).is_err())
        .and_then(|pair| web::Query::<Vec<(String, String)>>::from_query(pair).ok())
        .and_then(|pairs| pairs.into_inner().pop());
    match faulty {
        Some((name, _)) if name.chars().count() <= MAX_NAME_CHARS => ApiError::of_field(
            ErrorCode::ValidationFailed,
            &name,
            "invalid",
            "is not known here, or has no such value",
        ),
        _ => ApiError::with_detail(
            ErrorCode::ValidationFailed,
            "The query string is not valid.",
        ),
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        _limit: Option<u32>,
        _id: Option<Uuid>,
    }

    #[test]
    fn the_parameter_that_cannot_be_read_is_named() {
        let field = |query: &str| {
            let fields = unreadable::<Filter>(query).fields;
            fields.first().map(|fault| fault.field.clone())
        };
        for (query, name) in [
            ("_limit=x", "_limit"),
            ("_limit=1&_id=", "_id"),
            ("_limit=1&_i%64=7", "_id"),
            ("_limit=1&other=2", "other"),
        ] {
            assert_eq!(field(query).as_deref(), Some(name), "{query}");
        }
        for twice in ["_limit=1&_limit=2", &format!("{}=1", "x".repeat(65))] {
            assert_eq!(field(twice), None, "{twice}");
        }
    }
}
