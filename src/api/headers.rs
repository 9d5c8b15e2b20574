//! What browsers are told, so that an answer can do no harm in one.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::pages;

/// The pages of the API's description.
const DOCS: &str = "/docs";
/// They run their own scripts and speak to their own origin. Swagger UI writes styles into its elements and draws
/// its icons from `data:` URLs; scripts are never inline.
const CSP_OF_DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Our own pages need nothing inline. What they show beside themselves are pictures that the person chose and the camera.
const CSP_OF_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";
/// Everything else is data. Opened as a page it may do nothing at all.
const CSP_OF_DATA: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
/// What no answer of ours has a use for is forbidden. The two that a page may need are arguments.
macro_rules! permissions {
    (autoplay = $autoplay:literal, camera = $camera:literal) => {
        concat!(
            "accelerometer=(), autoplay=", $autoplay, ", camera=", $camera, ", display-capture=(), encrypted-media=(), \
             fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), \
             picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()"
        )
    };
}
const PERMISSIONS: &str = permissions!(autoplay = "()", camera = "()");
/// For the page that takes pictures.
const PERMISSIONS_OF_DEMO: &str = permissions!(autoplay = "(self)", camera = "(self)");
/// A year. Subdomains are their owners' business.
const ONLY_TLS: &str = "max-age=31536000";

/// Adds them. `route` is the pattern that the request matched.
pub(super) fn protect(headers: &mut HeaderMap, route: &str, over_tls: bool) {
    let csp = if route.starts_with(DOCS) {
        CSP_OF_DOCS
    } else if pages::is_page(route) {
        CSP_OF_PAGES
    } else {
        CSP_OF_DATA
    };
    let permissions = if route == pages::DEMO {
        PERMISSIONS_OF_DEMO
    } else {
        PERMISSIONS
    };
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CONTENT_SECURITY_POLICY, csp);
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("permissions-policy"), permissions);
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        set(HeaderName::from_static(name), "same-origin");
    }
    if over_tls {
        set(STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
}
