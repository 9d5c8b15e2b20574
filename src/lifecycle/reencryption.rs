//! The encryption of kept pictures anew, after their key was changed.
//!
//! It is a part of the sweeper's turns, so replicas share it, and a process that dies leaves the rest to the next turn. Few
//! pictures are worked on in one transaction: nothing waits long for it.

use crate::domain::audit::{Actor, ImagesReencrypted};
use crate::store::{Store, StoreError};

/// Encrypts what a tenant keeps under the key of before.
pub(super) async fn reencrypt(store: &Store, actor: &Actor) -> Result<(), StoreError> {
    let (mut images, mut unreadable, mut after) = (0, 0, None);
    loop {
        let mut transaction = store.begin(&actor.tenant).await?;
        let page = transaction.reencrypt_images(after).await?;
        images += page.images;
        unreadable += page.unreadable.len() as u64;
        after = page.next;
        let is_done = after.is_none() && images > 0;
        if is_done {
            let done = ImagesReencrypted { images, unreadable };
            transaction.append_audit_event(actor, &done.into())?;
        }
        transaction.commit().await?;
        for face in page.unreadable {
            tracing::error!(face.id = %face, "a kept image was altered or moved, and does not open with its key");
        }
        if is_done {
            tracing::info!(images, unreadable, "kept images are under the current key");
        }
        if after.is_none() {
            return Ok(());
        }
    }
}
