//! Members that an object has only sometimes, all of them or none.

use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Schema};

/// A flattened part that is absent adds no members. The derive says instead that the whole object would be null then.
pub(super) fn allow_absent(document: &mut OpenApi) {
    let schemas = document.components.iter_mut();
    for schema in schemas.flat_map(|components| components.schemas.values_mut()) {
        let RefOr::T(Schema::AllOf(whole)) = schema else {
            continue;
        };
        for part in &mut whole.items {
            let RefOr::T(Schema::OneOf(choice)) = part else {
                continue;
            };
            let is_named = |item: &&RefOr<Schema>| matches!(item, RefOr::Ref(_));
            let mut either = AnyOfBuilder::new();
            for named in choice.items.iter().filter(is_named) {
                either = either.item(named.clone());
            }
            let either = either.item(ObjectBuilder::new()).build();
            *part = RefOr::T(Schema::AnyOf(either));
        }
    }
}
