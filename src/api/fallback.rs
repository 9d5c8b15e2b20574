//! Requests that no route takes: a wrong method is told from a wrong path.

use actix_web::dev::ResourceDef;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;

/// The served paths and their methods, read from the document that the routes generate.
pub(super) struct KnownRoutes(Vec<(ResourceDef, String)>);

impl KnownRoutes {
    pub(super) fn of(document: &OpenApi) -> Self {
        let routes = document.paths.paths.iter();
        Self(
            routes
                .map(|(path, item)| (ResourceDef::new(path.as_str()), allowed(item)))
                .collect(),
        )
    }

    /// The methods of a path, as the `Allow` header lists them.
    fn methods_of(&self, path: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(route, _)| route.is_match(path))
            .map(|(_, methods)| methods.as_str())
    }
}

fn allowed(item: &PathItem) -> String {
    let methods = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    let served = methods
        .into_iter()
        .filter(|(_, operation)| operation.is_some());
    served
        .map(|(method, _)| method)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Answers 405 where the path is served with other methods, 404 otherwise; `api::problem` writes the body.
pub(super) async fn fallback(request: HttpRequest, routes: Data<KnownRoutes>) -> HttpResponse {
    let methods = routes
        .methods_of(request.path())
        .and_then(|list| HeaderValue::from_str(list).ok());
    match methods {
        Some(methods) => HttpResponse::MethodNotAllowed()
            .insert_header((ALLOW, methods))
            .finish(),
        None => HttpResponse::NotFound().finish(),
    }
}
