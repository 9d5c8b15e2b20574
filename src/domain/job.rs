//! Jobs: bulk imports, their rows, and why a row is refused; and changes of a list's model.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::duplicate::Duplicate;
use super::ids::{FaceId, JobId, SubjectId, WatchlistId};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// It enrols the pictures of its rows.
    Import,
    /// It makes templates of another model from the kept pictures of a list. It has no rows.
    ModelChange,
    /// It rewrites the templates of a list under another key. It has no rows either.
    Rekey,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Import, Self::ModelChange, Self::Rekey];

    /// The kind as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::ModelChange => "model_change",
            Self::Rekey => "rekey",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has begun it.
    Queued,
    /// Its rows are being worked off.
    Running,
    /// Every row is over, some perhaps refused.
    Succeeded,
    /// A caller ended it; what was enrolled before stays.
    Cancelled,
    /// It was given up, since processes kept dying over it.
    Failed,
}

impl JobState {
    /// Whether nothing will change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Cancelled | Self::Failed => true,
        }
    }
}

/// One bulk import, or one change of a list's model.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The list that it fills.
    pub watchlist_id: WatchlistId,
    /// How far it is.
    pub state: JobState,
    /// Rows in all; of the other kinds, the faces of the list.
    pub total: u64,
    /// Rows or faces that are over, refused ones included.
    pub done: u64,
    /// Rows that were refused, or faces of which no template could be made.
    pub failed: u64,
    /// When all of it had arrived.
    pub created_at: OffsetDateTime,
    /// When the first row was begun.
    pub started_at: Option<OffsetDateTime>,
    /// When it came to its end.
    pub finished_at: Option<OffsetDateTime>,
    /// When it is deleted with its rows, where it is over and not kept as long as its list.
    pub delete_after: Option<OffsetDateTime>,
}

impl Job {
    /// Rows a second since it began, pauses included; none before the first is over.
    #[must_use]
    pub fn rate(&self, now: OffsetDateTime) -> Option<f64> {
        let elapsed = self.finished_at.unwrap_or(now) - self.started_at?;
        let seconds = elapsed.as_seconds_f64();
        (seconds > 0.0 && self.done > 0).then(|| self.done as f64 / seconds)
    }
}

/// How far a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// It waits.
    Pending,
    /// Its face is enrolled.
    Succeeded,
    /// It was refused.
    Failed,
    /// Its job ended before it was begun.
    Cancelled,
}

impl RowState {
    /// Every state.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The state as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What became of one picture of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Its place in the job, from 1.
    pub number: u64,
    /// The line of the manifest or the stream that it comes from, from 1.
    pub line: Option<u64>,
    /// The file in the archive.
    pub file: Option<String>,
    /// Whose face it is.
    pub external_id: Option<String>,
    /// How far it is.
    pub state: RowState,
    /// The person, where the face is enrolled.
    pub subject_id: Option<SubjectId>,
    /// The face, where it is enrolled.
    pub face_id: Option<FaceId>,
    /// Whom else on the list the face was found to be, best first, as far as they are still on it.
    pub duplicate_of: Vec<Duplicate>,
    /// Why it was refused: a stable code, and the same in words.
    pub error: Option<(String, String)>,
}

macro_rules! row_codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)*) => {
        /// Stable codes of refused rows. Those that single requests can fail with too have the same names there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RowCode {
            $($(#[$doc])* $code,)*
        }

        impl RowCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The code as it is stored and shown.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

row_codes! {
    /// A line of the manifest or of the stream cannot be understood, or a value is out of its bounds.
    InvalidRow = "invalid_row",
    /// The manifest names a file that the archive does not hold.
    MissingFile = "missing_file",
    /// The file's name is absolute, leads upwards, or is not a plain path.
    UnsafePath = "unsafe_path",
    /// The entry is a link or a device.
    NotAFile = "not_a_file",
    /// The archive holds several entries of this name.
    RepeatedFile = "repeated_file",
    /// The entry is encrypted.
    EncryptedFile = "encrypted_file",
    /// The entry cannot be unpacked, or is not what the archive says of it.
    BrokenFile = "broken_file",
    /// The entry unpacks to far more than a picture would.
    SuspiciousCompression = "suspicious_compression",
    /// The import holds more than it may before this row.
    PayloadTooLarge = "payload_too_large",
    /// The picture has too many bytes or pixels.
    ImageTooLarge = "image_too_large",
    /// The picture is not a JPEG, PNG or WebP, or uses a rare variant of one.
    UnsupportedImage = "unsupported_image",
    /// The picture is truncated or broken.
    CorruptImage = "corrupt_image",
    /// No face was found.
    NoFace = "no_face",
    /// More than one face was found.
    MultipleFaces = "multiple_faces",
    /// The face is too small, too blurred or turned away.
    QualityTooLow = "quality_too_low",
    /// The face belongs to somebody else who is on the list, and the list refuses that.
    DuplicateSubject = "duplicate_subject",
    /// Nothing was said of the person's consent, and the service requires it.
    ConsentRequired = "consent_required",
    /// The models failed on this picture again and again.
    Internal = "internal",
}

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The stable code.
    pub code: RowCode,
    /// The same in words; it never repeats what was sent.
    pub message: String,
}

impl RowFault {
    /// A refusal explained in a few words.
    #[must_use]
    pub fn new(code: RowCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_rows_change_only_on_purpose() {
        let names: Vec<&str> = RowCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(
            names,
            [
                "invalid_row",
                "missing_file",
                "unsafe_path",
                "not_a_file",
                "repeated_file",
                "encrypted_file",
                "broken_file",
                "suspicious_compression",
                "payload_too_large",
                "image_too_large",
                "unsupported_image",
                "corrupt_image",
                "no_face",
                "multiple_faces",
                "quality_too_low",
                "duplicate_subject",
                "consent_required",
                "internal",
            ]
        );
        for code in RowCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
        for state in RowState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        for kind in JobKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(JobKind::parse(kind.name()), Some(kind));
        }
    }

    #[test]
    fn the_rate_counts_from_the_first_row_to_the_end() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let mut job = Job {
            id: JobId::new(),
            kind: JobKind::Import,
            watchlist_id: WatchlistId::new(),
            state: JobState::Running,
            total: 100,
            done: 50,
            failed: 0,
            created_at: start,
            started_at: Some(start),
            finished_at: None,
            delete_after: None,
        };
        let second = time::Duration::SECOND;
        assert_eq!(job.rate(start + 10 * second), Some(5.0));
        job.finished_at = Some(start + 25 * second);
        assert_eq!(job.rate(start + 1000 * second), Some(2.0));
        job.started_at = None;
        assert_eq!(job.rate(start), None);
    }
}
