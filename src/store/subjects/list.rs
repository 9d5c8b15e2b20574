//! Lists of people, by page and filter.

use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::SubjectRow;
use crate::domain::consent::Consent;
use crate::domain::ids::WatchlistId;
use crate::domain::watchlist::Subject;
use crate::store::page::{Page, PageRequest};
use crate::store::{StoreError, TenantTx};

/// Which people a list shows; everything that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectFilter {
    /// Only the one of this key.
    pub external_id: Option<String>,
    /// Only those with this as a part of their name, in whatever case.
    pub display_name: Option<String>,
    /// Only those whose time is not over, or only those whose is.
    pub valid: Option<bool>,
    /// Only those made at this instant or later.
    pub created_after: Option<OffsetDateTime>,
    /// Only those made before this instant.
    pub created_before: Option<OffsetDateTime>,
}

impl TenantTx {
    /// Reads a page of a list's subjects with their faces, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_subjects(
        &mut self,
        watchlist: WatchlistId,
        filter: &SubjectFilter,
        page: PageRequest,
    ) -> Result<Page<Subject>, StoreError> {
        self.plan_anew().await?;
        let rows = sqlx::query_as!(
            SubjectRow,
            r#"
            select id, external_id, display_name, metadata, valid_until, created_at,
                consent as "consent: Json<Consent>"
            from subjects
            where watchlist_id = $1
                and id < $2
                and ($3::text is null or external_id = $3)
                and ($4::text is null or position(lower($4) in lower(display_name)) > 0)
                and ($5::boolean is null
                    or ($5 and (valid_until is null or valid_until > now()))
                    or (not $5 and valid_until <= now()))
                and ($6::timestamptz is null or created_at >= $6)
                and ($7::timestamptz is null or created_at < $7)
            order by id desc
            limit $8
            "#,
            watchlist.as_uuid(),
            page.before(),
            filter.external_id,
            filter.display_name,
            filter.valid,
            filter.created_after,
            filter.created_before,
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        let rows = Page::cut(rows, page, |row| row.id);
        let ids: Vec<Uuid> = rows.items.iter().map(|row| row.id).collect();
        let mut faces = self.faces_of(watchlist, &ids).await?;
        rows.try_map(|row| {
            let faces = faces.remove(&row.id).unwrap_or_default();
            row.with_faces(watchlist, faces)
        })
    }
}
