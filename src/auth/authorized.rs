//! Permission as a type in a handler's signature.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use super::audit;
use super::principal::{Principal, Scope};
use crate::error::{ApiError, ErrorCode};

/// A scope as a type.
pub trait RequiredScope: 'static {
    /// The scope that a token must carry.
    const SCOPE: Scope;
}

macro_rules! required_scope {
    ($name:ident) => {
        #[doc = concat!("Demands the scope [`Scope::", stringify!($name), "`].")]
        #[derive(Debug)]
        pub struct $name;

        impl RequiredScope for $name {
            const SCOPE: Scope = Scope::$name;
        }
    };
}

required_scope!(Verify);
required_scope!(WatchlistRead);
required_scope!(WatchlistWrite);
required_scope!(Review);
required_scope!(Admin);

/// A principal that carries the scope `S`.
///
/// It must be the first argument of a handler: extractors are polled in order and this one is ready at once, so a
/// caller without the scope is refused before the body is read.
#[derive(Debug)]
pub struct Authorized<S> {
    principal: Principal,
    scope: PhantomData<S>,
}

impl<S> Deref for Authorized<S> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<S: RequiredScope> FromRequest for Authorized<S> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.extensions().get::<Principal>() {
            // A route outside the authenticated scope fails closed.
            None => Err(ApiError::new(ErrorCode::Unauthenticated)),
            Some(principal) if principal.scopes.contains(&S::SCOPE) => Ok(Self {
                principal: principal.clone(),
                scope: PhantomData,
            }),
            Some(_) => {
                audit::scope_missing(S::SCOPE);
                let detail = format!("This needs the scope {}.", S::SCOPE);
                Err(ApiError::with_detail(ErrorCode::Forbidden, detail))
            }
        })
    }
}
