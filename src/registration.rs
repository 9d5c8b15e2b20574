//! Makes the embedder at work known to the database, and those of the database to the service.

use crate::domain::embedder::Embedder;
use crate::store::{Store, StoreError, model_of};

/// Registers an embedder, and tells which other ones the database knows templates of: lists may be in them.
pub(crate) async fn register(
    store: &Store,
    embedder: Embedder,
) -> Result<Vec<Embedder>, StoreError> {
    let (id, dimensions) = (embedder.id(), embedder.dimensions());
    store.register_model(id, dimensions).await?;
    let others = store.other_models(id).await?;
    if !others.is_empty() {
        tracing::info!(
            "this database knows templates of {}, and the embedder at work is {id}: lists with faces of another one stay in \
             it, and are refused where its files are not there",
            others.join(", ")
        );
    }
    let is_known = |shipped: &Embedder| others.iter().any(|id| model_of(id) == shipped.id());
    Ok(Embedder::SHIPPED
        .into_iter()
        .filter(|shipped| *shipped != embedder && is_known(shipped))
        .collect())
}
