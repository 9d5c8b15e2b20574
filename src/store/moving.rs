//! How the faces of one gallery of a list become those of another one: kept in another form, or of another model.
//!
//! Their rows stay what they are, but for new numbers: so far from those that the gallery had before that codes of then,
//! in whatever process, are too old to be caught up. All of it is one transaction that holds the list: whoever searches
//! it finds all of it, in the one gallery or in the other.

use super::error::StoreError;
use super::galleries::CHANGES_KEPT;
use super::transaction::TenantTx;
use crate::domain::ids::WatchlistId;

/// Faces that one statement moves.
pub(super) const MOVED_AT_ONCE: i64 = 2_000;

/// Faces on their way. The list is held.
pub(super) struct Move<'a> {
    pub(super) watchlist: WatchlistId,
    /// Where they are and where they go to, with the keys of the forms.
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// What came last of those that have been moved, by its old number.
    pub(super) after: i64,
    /// The last number that was given.
    pub(super) last: i64,
    base: i64,
}

impl TenantTx {
    /// The galleries of a list that have faces, with the keys of their forms. There is one, or none.
    pub(super) async fn filled_galleries(
        &mut self,
        watchlist: WatchlistId,
    ) -> Result<Vec<String>, StoreError> {
        let galleries = sqlx::query_scalar!(
            "select model_id from galleries where watchlist_id = $1 and faces > 0",
            watchlist.as_uuid()
        );
        Ok(galleries.fetch_all(self.connection()).await?)
    }

    /// Makes the gallery that faces are to be in, and numbers for them. Until the end of the move, a page of faces is joined
    /// by hashing: of a gallery that the planner takes for empty it would compare every row with every other.
    pub(super) async fn begin_move<'a>(
        &mut self,
        watchlist: WatchlistId,
        from: &'a str,
        to: &'a str,
    ) -> Result<Move<'a>, StoreError> {
        let base = sqlx::query_scalar!(
            r#"
            insert into galleries (watchlist_id, model_id, revision, faces) values ($1, $2, 0, 0)
            on conflict on constraint galleries_pkey do update set revision = galleries.revision + $3::bigint + 1
            returning revision
            "#,
            watchlist.as_uuid(),
            to,
            CHANGES_KEPT
        )
        .fetch_one(self.connection())
        .await?;
        self.plan_anew().await?;
        self.allow_nested_loops("off").await?;
        Ok(Move {
            watchlist,
            from,
            to,
            after: 0,
            last: base,
            base,
        })
    }

    /// Says where the faces are by now, and answers how many that were.
    pub(super) async fn end_move(&mut self, moved: Move<'_>) -> Result<u64, StoreError> {
        self.allow_nested_loops("on").await?;
        let faces = moved.last - moved.base;
        sqlx::query!(
            "update galleries set revision = case when model_id = $3 then $4 else revision + 1 end, \
             faces = case when model_id = $3 then faces + $5::bigint else faces - $5 end \
             where watchlist_id = $1 and model_id in ($2, $3)",
            moved.watchlist.as_uuid(),
            moved.from,
            moved.to,
            moved.last,
            faces
        )
        .execute(self.connection())
        .await?;
        Ok(faces.unsigned_abs())
    }

    async fn allow_nested_loops(&mut self, switch: &str) -> Result<(), StoreError> {
        sqlx::query!("select set_config('enable_nestloop', $1, true)", switch)
            .fetch_one(self.connection())
            .await?;
        Ok(())
    }

    /// Makes an id known as a model of as many dimensions as another one that is known.
    pub(super) async fn register_like(&mut self, known: &str, id: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into models (id, dimensions) select $2, dimensions from models where id = $1 \
             on conflict (id, dimensions) do nothing",
            known,
            id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
