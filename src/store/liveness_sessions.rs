//! Liveness sessions and the marks of their pictures.
//!
//! The instants are arguments: nothing here reads the database's clock to decide whether a session is over.

use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::face::{FivePoints, Point, Pose, Template};
use crate::domain::ids::LivenessSessionId;
use crate::domain::liveness_session::{Earlier, FaceMark, Session, SessionState, Signature};

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptLivenessSession {
    /// Its id.
    pub id: LivenessSessionId,
    /// SHA-256 of its nonce.
    pub nonce_hash: Vec<u8>,
    /// How far it has come.
    pub session: Session,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it is over.
    pub expires_at: OffsetDateTime,
}

/// What a picture adds to a session.
#[derive(Debug)]
pub struct FrameMarks {
    /// Its place among those of the session.
    pub number: u32,
    /// SHA-256 of its bytes.
    pub bytes_hash: [u8; 32],
    /// What it looks like.
    pub seen: Earlier,
}

impl TenantTx {
    /// Keeps a new session.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id is taken.
    pub async fn insert_liveness_session(
        &mut self,
        new: &KeptLivenessSession,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into liveness_sessions (id, nonce_hash, progress, created_at, expires_at) \
             values ($1, $2, $3, $4, $5)",
            new.id.as_uuid(),
            new.nonce_hash,
            Json(&new.session) as _,
            new.created_at,
            new.expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Reads a session.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_liveness_session(
        &mut self,
        id: LivenessSessionId,
    ) -> Result<Option<KeptLivenessSession>, StoreError> {
        let row = sqlx::query_as!(
            SessionRow,
            r#"
            select id, nonce_hash, progress as "progress: Json<Session>", created_at, expires_at
            from liveness_sessions
            where id = $1
            "#,
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(Into::into))
    }

    /// Reads a session and keeps everybody else from changing it until the end of the transaction.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn lock_liveness_session(
        &mut self,
        id: LivenessSessionId,
    ) -> Result<Option<KeptLivenessSession>, StoreError> {
        sqlx::query!(
            "select from liveness_sessions where id = $1 for no key update",
            id.as_uuid()
        )
        .execute(self.connection())
        .await?;
        self.find_liveness_session(id).await
    }

    /// The template of a session's frontal picture, where there is one yet.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when what is kept is no template.
    pub async fn find_frontal_template(
        &mut self,
        id: LivenessSessionId,
    ) -> Result<Option<Template>, StoreError> {
        let row = sqlx::query!(
            r#"
            select model_id as "model_id!", template as "template!" from liveness_sessions
            where id = $1 and template is not null
            "#,
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(self.show(&row.model_id, vec![row.template]).await?.pop())
    }

    /// What is known of a session's pictures, in their order.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when what is kept is not that.
    pub async fn list_frames(&mut self, id: LivenessSessionId) -> Result<Vec<Earlier>, StoreError> {
        let rows = sqlx::query!(
            "select signature, face from liveness_frames where session_id = $1 order by number",
            id.as_uuid()
        )
        .fetch_all(self.connection())
        .await?;
        let earlier = rows.into_iter().map(|row| {
            let face = row.face.map(|values| face_mark(&values)).transpose()?;
            let signature = Signature::parse(&row.signature)
                .ok_or_else(|| StoreError::Corrupt("a signature of another length".into()))?;
            Ok(Earlier { signature, face })
        });
        earlier.collect()
    }

    /// Whether a picture came before, in any session of the tenant that is kept.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn is_frame_known(&mut self, bytes_hash: &[u8; 32]) -> Result<bool, StoreError> {
        let known = sqlx::query_scalar!(
            r#"select exists (select from liveness_frames where bytes_hash = $1) as "known!""#,
            bytes_hash.as_slice()
        );
        Ok(known.fetch_one(self.connection()).await?)
    }

    /// Notes a picture.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the session has a picture of that number.
    pub async fn insert_frame(
        &mut self,
        id: LivenessSessionId,
        frame: FrameMarks,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into liveness_frames (session_id, number, bytes_hash, signature, face) \
             values ($1, $2, $3, $4, $5)",
            id.as_uuid(),
            frame.number as i32,
            frame.bytes_hash.as_slice(),
            frame.seen.signature.values(),
            frame.seen.face.as_ref().map(face_values) as Option<Vec<f32>>
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps what came of a picture. What a session in that state has no more use for goes.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn update_liveness_session(
        &mut self,
        kept: &KeptLivenessSession,
        template: Option<&Template>,
        best_frame: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let template = self.in_first_form(template.into_iter().cloned().collect());
        let template = template.await?.pop();
        sqlx::query!(
            "update liveness_sessions set progress = $2, expires_at = $3, \
             model_id = case when $2::jsonb ->> 'state' = 'open' then coalesce($4, model_id) end, \
             template = case when $2::jsonb ->> 'state' = 'open' then coalesce($5, template) end, \
             best_frame = case when $2::jsonb ->> 'state' in ('open', 'passed') then coalesce($6, best_frame) end \
             where id = $1",
            kept.id.as_uuid(),
            Json(&kept.session) as _,
            kept.expires_at,
            template.as_ref().map(Template::model_id),
            template.as_ref().map(Template::values),
            best_frame
        )
        .execute(self.connection())
        .await?;
        if kept.session.state == SessionState::Open {
            return Ok(());
        }
        // Thumbnails are of use among the pictures of an open session alone.
        sqlx::query!(
            "update liveness_frames set signature = '', face = null where session_id = $1",
            kept.id.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The best picture of a session, where it is still kept.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_best_frame(
        &mut self,
        id: LivenessSessionId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let frame = sqlx::query_scalar!(
            "select best_frame from liveness_sessions where id = $1",
            id.as_uuid()
        );
        Ok(frame.fetch_optional(self.connection()).await?.flatten())
    }

    /// Takes the pictures of some of the sessions away whose time was over at an instant, and deletes some of those
    /// that were over at an earlier one. Tells how many were deleted.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn sweep_liveness_sessions(
        &mut self,
        now: OffsetDateTime,
        over_before: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        sqlx::query!(
            "with over as (\
                 update liveness_sessions set progress = jsonb_set(progress, '{state}', to_jsonb('expired'::text)), \
                 template = null, model_id = null, best_frame = null \
                 where state in ('open', 'passed') and expires_at <= $1 returning id) \
             update liveness_frames set signature = '', face = null where session_id in (select id from over)",
            now
        )
        .execute(self.connection())
        .await?;
        let ids: Vec<Uuid> = sqlx::query_scalar!(
            "delete from liveness_sessions where id in (\
             select id from liveness_sessions where expires_at <= $1 order by expires_at limit $2) returning id",
            over_before,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        self.forget_idempotent_answers(&ids).await?;
        Ok(ids.len() as u64)
    }
}

struct SessionRow {
    id: Uuid,
    nonce_hash: Vec<u8>,
    progress: Json<Session>,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl From<SessionRow> for KeptLivenessSession {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id.into(),
            nonce_hash: row.nonce_hash,
            session: row.progress.0,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// Three angles and five points.
fn face_values(face: &FaceMark) -> Vec<f32> {
    let FaceMark { pose, points } = face;
    let places = points
        .all()
        .into_iter()
        .flat_map(|point| [point.x, point.y]);
    [pose.yaw, pose.pitch, pose.roll]
        .into_iter()
        .chain(places)
        .collect()
}

fn face_mark(values: &[f32]) -> Result<FaceMark, StoreError> {
    let &[yaw, pitch, roll, a, b, c, d, e, f, g, h, i, j] = values else {
        return Err(StoreError::Corrupt(
            "the mark of a face of another length".into(),
        ));
    };
    let point = |x, y| Point { x, y };
    Ok(FaceMark {
        pose: Pose { yaw, pitch, roll },
        points: FivePoints {
            left_eye: point(a, b),
            right_eye: point(c, d),
            nose: point(e, f),
            left_mouth: point(g, h),
            right_mouth: point(i, j),
        },
    })
}
