//! Budgets at the door: after the token is checked and before a byte of the body is read.
//!
//! Answers tell how much is left in the fields `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-11), and every refusal is counted and noted in the audit log.

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::Stream;

use super::extract::declared_length;
use crate::auth::{AUDIT_TARGET, Principal};
use crate::domain::budget::{Budget, Exhausted};
use crate::error::{ApiError, whole_seconds};
use crate::state::AppState;
use crate::throttle::{Balance, Caller, Received};

/// What the budgets allow, which stays the same.
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it.
pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Lets a request through while its caller's budgets last.
///
/// # Errors
/// Those of the inner service.
pub(super) async fn within_budgets<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let state = state(request.request());
    let Some(caller) = caller(&request) else {
        // Whatever is reached without a principal refuses by itself.
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let declared = declared_length(request.headers()).unwrap_or(0);
    let mut response = match state
        .throttle
        .admit(caller.clone(), declared, Instant::now())
    {
        Ok(admission) => {
            count(&mut request, admission.received());
            let response = next.call(request).await;
            drop(admission);
            response?.map_into_boxed_body()
        }
        Err(exhausted) => request.error_response(ApiError::of_exhausted(exhausted)),
    };
    let exhausted = exhausted(&response);
    if let Some(exhausted) = exhausted {
        note(&state, exhausted);
    }
    let balances = state.throttle.balances(&caller, Instant::now());
    tell(response.headers_mut(), &balances, exhausted);
    Ok(response)
}

/// Draws a request that tells how alike two faces are from the caller's budget of those. Scores could be climbed by
/// asking often enough.
///
/// It stands right behind the scope in a handler's arguments, so that it is drawn before the body is read.
#[derive(Debug)]
pub struct SearchBudget;

impl FromRequest for SearchBudget {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (state, caller) = (state(request), caller(request));
        // Drawn when it is polled, which it is not where the scope is missing.
        Box::pin(async move {
            if let Some(caller) = caller {
                let drawn = state.throttle.search(&caller, Instant::now());
                drawn.map_err(ApiError::of_exhausted)?;
            }
            Ok(Self)
        })
    }
}

fn state(request: &HttpRequest) -> Data<AppState> {
    let state = request.app_data::<Data<AppState>>();
    state.expect("the state is registered at start").clone()
}

fn caller(request: &impl HttpMessage) -> Option<Caller> {
    let extensions = request.extensions();
    let principal = extensions.get::<Principal>()?;
    Some(Caller {
        tenant: principal.tenant.clone(),
        subject: principal.subject.clone(),
    })
}

/// The budget that an answer says is used up.
fn exhausted(response: &ServiceResponse<BoxBody>) -> Option<Exhausted> {
    let error = response.response().error()?;
    error.as_error::<ApiError>()?.exhausted
}

/// Whoever climbs scores or floods the service shows here.
fn note(state: &AppState, Exhausted { budget, .. }: Exhausted) {
    state.metrics.observe_throttled(budget);
    tracing::warn!(
        target: AUDIT_TARGET,
        { audit.event = "throttled", audit.budget = budget.name() },
        "a caller's budget is used up"
    );
}

fn tell(headers: &mut HeaderMap, balances: &[Balance], exhausted: Option<Exhausted>) {
    for (name, value) in [
        (RATE_LIMIT_POLICY, policy(balances)),
        (RATE_LIMIT, standing(balances, exhausted)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

/// As a list of structured fields (RFC 9651).
fn policy(balances: &[Balance]) -> String {
    let item = |Balance { budget, quota, .. }: &Balance| match budget {
        Budget::Bytes => format!("\"{budget}\";q={quota};w=60;qu=\"content-bytes\""),
        Budget::Concurrency => format!("\"{budget}\";q={quota};qu=\"concurrent-requests\""),
        Budget::Requests | Budget::Searches | Budget::Attempts => {
            format!("\"{budget}\";q={quota};w=60")
        }
    };
    balances.iter().map(item).collect::<Vec<_>>().join(", ")
}

/// The same. Where a budget is used up, its time is that of `Retry-After`.
fn standing(balances: &[Balance], exhausted: Option<Exhausted>) -> String {
    let mut text = String::new();
    let mut item = |budget: Budget, remaining: u64, reset: Option<u64>| {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{separator}\"{budget}\";r={remaining}");
        if let Some(reset) = reset {
            let _ = write!(text, ";t={reset}");
        }
    };
    let used_up = |budget| exhausted.filter(|exhausted| exhausted.budget == budget);
    for Balance {
        budget, standing, ..
    } in balances
    {
        match used_up(*budget) {
            Some(Exhausted { retry_after, .. }) => {
                item(*budget, 0, Some(whole_seconds(retry_after)));
            }
            None if *budget == Budget::Concurrency => item(*budget, standing.remaining, None),
            None => {
                let reset = standing.reset.as_secs_f64().ceil() as u64;
                item(*budget, standing.remaining, Some(reset));
            }
        }
    }
    if let Some(Exhausted { retry_after, .. }) = used_up(Budget::Attempts) {
        item(Budget::Attempts, 0, Some(whole_seconds(retry_after)));
    }
    text
}

/// Counts what passes from a request's body from now on.
fn count(request: &mut ServiceRequest, received: Received) {
    let payload = request.take_payload();
    request.set_payload(Payload::Stream {
        payload: Box::pin(Counted { payload, received }),
    });
}

struct Counted {
    payload: Payload,
    received: Received,
}

impl Stream for Counted {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.payload).poll_next(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.received.add(chunk.len());
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::domain::budget::Standing;

    use super::*;

    fn balances() -> Vec<Balance> {
        let balance = |budget, quota, remaining, milliseconds| Balance {
            budget,
            quota,
            standing: Standing {
                remaining,
                reset: Duration::from_millis(milliseconds),
            },
        };
        vec![
            balance(Budget::Requests, 6000, 5999, 10),
            balance(Budget::Bytes, 2048, 2048, 0),
            balance(Budget::Searches, 600, 0, 2100),
            balance(Budget::Concurrency, 128, 127, 0),
        ]
    }

    #[test]
    fn policies_are_told_as_structured_fields() {
        assert_eq!(
            policy(&balances()),
            "\"requests\";q=6000;w=60, \"bytes\";q=2048;w=60;qu=\"content-bytes\", \
             \"searches\";q=600;w=60, \"concurrency\";q=128;qu=\"concurrent-requests\""
        );
        assert_eq!(policy(&[]), "");
    }

    #[test]
    fn a_budget_that_is_used_up_names_the_time_of_retry_after() {
        let left = "\"requests\";r=5999;t=1, \"bytes\";r=2048;t=0, \"searches\";r=0;t=3, \"concurrency\";r=127";
        assert_eq!(standing(&balances(), None), left);
        let exhausted = |budget| {
            Some(Exhausted {
                budget,
                retry_after: Duration::from_millis(6500),
            })
        };
        let told = standing(&balances(), exhausted(Budget::Concurrency));
        assert!(told.ends_with("\"concurrency\";r=0;t=7"), "{told}");
        let told = standing(&balances(), exhausted(Budget::Attempts));
        assert_eq!(told, format!("{left}, \"attempts\";r=0;t=7"));
    }
}
