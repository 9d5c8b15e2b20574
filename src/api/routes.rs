//! The list of routes. What is registered here is served and documented; nothing else is either.

use actix_web::middleware::from_fn;
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use super::serve::Surface;
use super::throttle::within_budgets;
use super::{
    audit_events, documents, erasures, faces, health, imports, jobs, liveness_sessions,
    model_changes, models, retention, reviews, subjects, verifications, watchlists,
};
use crate::auth::authenticate;

/// Every resource that a port shows.
pub(super) fn resources(config: &mut ServiceConfig<'_>, surface: Surface) {
    config.service(health::healthz).service(health::readyz);
    if surface.metrics {
        config.service(health::metrics);
    }
    if surface.api {
        config.service(
            scope::scope("/v1")
                // The last one comes first.
                .wrap(from_fn(within_budgets))
                .wrap(from_fn(authenticate))
                .configure(verifications::routes)
                .configure(liveness_sessions::routes)
                .configure(reviews::routes)
                .configure(faces::routes)
                .configure(documents::routes)
                .configure(watchlists::routes)
                .configure(subjects::routes)
                .configure(imports::routes)
                .configure(jobs::routes)
                .configure(retention::routes)
                .configure(erasures::routes)
                .configure(audit_events::routes)
                .configure(models::routes)
                .configure(model_changes::routes),
        );
    }
}
