//! Makes the embedder at work known to the database.

use crate::domain::embedder::Embedder;
use crate::store::{Store, StoreError};

/// Registers an embedder, and warns of others: templates of two cannot be compared, so lists that another one made are
/// refused.
pub(crate) async fn register(store: &Store, embedder: Embedder) -> Result<(), StoreError> {
    let (id, dimensions) = (embedder.id(), embedder.dimensions());
    store.register_model(id, dimensions).await?;
    let others = store.other_models(id).await?;
    if !others.is_empty() {
        tracing::warn!(
            "this database knows templates of {}, and the embedder at work is {id}: lists with faces of another one are \
             refused. LIKENESS_EMBEDDER chooses the embedder",
            others.join(", ")
        );
    }
    Ok(())
}
