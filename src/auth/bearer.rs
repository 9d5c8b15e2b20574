//! The token in a request's head.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Query;

use super::refusal::Refusal;

/// Where RFC 6750 lets a token stand in a URL. It is refused even beside a good header: it would be in every log on
/// its way, and whoever sends it should learn so.
const URL_PARAMETER: &str = "access_token";

/// The one bearer token of a request, not looked at yet.
pub(super) fn bearer(request: &ServiceRequest) -> Result<&str, Refusal> {
    let parameters = Query::<Vec<(String, String)>>::from_query(request.query_string());
    if parameters.is_ok_and(|all| all.iter().any(|(name, _)| name == URL_PARAMETER)) {
        return Err(Refusal::InUrl);
    }
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().ok_or(Refusal::Missing)?;
    if headers.next().is_some() {
        return Err(Refusal::Repeated);
    }
    let text = header.to_str().map_err(|_| Refusal::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(Refusal::Scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Scheme);
    }
    Ok(token.trim_start_matches(' '))
}
