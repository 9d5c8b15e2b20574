//! Permission as a type in a handler's signature.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use super::audit;
use super::principal::{Principal, Scope};
use super::request_id::RequestId;
use crate::domain::audit::Actor;
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
required_scope!(AuditRead);
required_scope!(Review);
required_scope!(Admin);

/// A principal that carries the scope `S`.
///
/// It must be the first argument of a handler: extractors are polled in order and this one is ready at once, so a
/// caller without the scope is refused before the body is read.
#[derive(Debug)]
pub struct Authorized<S> {
    principal: Principal,
    actor: Actor,
    scope: PhantomData<S>,
}

impl<S> Authorized<S> {
    /// The caller as the one who does what the request asks for.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
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
        let known = request.extensions();
        ready(match (known.get::<Principal>(), known.get::<RequestId>()) {
            // A route outside the authenticated scope fails closed.
            (None, _) | (_, None) => Err(ApiError::new(ErrorCode::Unauthenticated)),
            (Some(principal), Some(id)) if principal.scopes.contains(&S::SCOPE) => Ok(Self {
                principal: principal.clone(),
                actor: principal.acting_in(id),
                scope: PhantomData,
            }),
            (Some(_), Some(_)) => {
                audit::scope_missing(S::SCOPE);
                let detail = format!("This needs the scope {}.", S::SCOPE);
                Err(ApiError::with_detail(ErrorCode::Forbidden, detail))
            }
        })
    }
}
