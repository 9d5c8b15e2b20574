//! Challenges before a camera.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::Conversation;

const SESSIONS: &str = "/v1/liveness_sessions";

impl Conversation<'_> {
    pub(super) async fn sessions(&mut self) {
        let made = self.session().await;
        let (path, nonce) = (made.0, made.1);
        let frames = format!("{path}/frames");
        let frame = |this: &Self, sequence: u32| {
            Form::new()
                .text("nonce", nonce.clone())
                .text("sequence", sequence.to_string())
                .text("captured_at_ms", (100 * sequence).to_string())
                .part("image", this.file(&this.secrets.portrait))
        };
        let first = self
            .request(Method::POST, &frames)
            .multipart(frame(self, 0));
        let straight = self.hear("a frontal picture", first, 200).await.json();
        assert_eq!(straight["phase"], "steps", "{straight}");
        self.note_templates().await;
        let get = self.request(Method::GET, &path);
        self.hear("reading a session", get, 200).await;
        let again = self
            .request(Method::POST, &frames)
            .multipart(frame(self, 1));
        let failed = self.hear("the same picture again", again, 200).await.json();
        assert_eq!(failed["reasons"], json!(["replayed_frame"]), "{failed}");
        let late = self
            .request(Method::POST, &frames)
            .multipart(frame(self, 2));
        self.hear("a picture of a session that is over", late, 200)
            .await;
        let session = path.rsplit('/').next().unwrap().to_owned();
        let resting = Form::new()
            .text("liveness_session_id", session)
            .text("external_id", self.secrets.external_id.clone())
            .part("document", self.file(&self.secrets.document));
        let resting = self
            .request(Method::POST, "/v1/verifications")
            .multipart(resting);
        self.hear("a check that rests on it", resting, 409).await;
        self.strange_frames().await;
    }

    /// A session's path and its nonce, which is told once.
    async fn session(&mut self) -> (String, String) {
        let make = self.request(Method::POST, SESSIONS);
        let make = make.json(&json!({"steps": 2}));
        let made = self.hear_own("beginning a session", make, 201).await.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let nonce = text(&made["nonce"]);
        self.secrets.told("a nonce", &nonce);
        (format!("{SESSIONS}/{}", text(&made["id"])), nonce)
    }

    /// Pictures that are none, or somebody else's.
    async fn strange_frames(&mut self) {
        let (path, nonce) = self.session().await;
        let frames = format!("{path}/frames");
        let refused = self.secrets.refused.clone();
        for (nonce, image, status) in [
            (&nonce, &self.secrets.no_picture, 415),
            (&refused, &self.secrets.portrait, 200),
        ] {
            let body = json!({
                "nonce": nonce, "sequence": 0, "captured_at_ms": 0, "image": STANDARD.encode(image),
            });
            let request = self.request(Method::POST, &frames).json(&body);
            self.hear("a picture by JSON", request, status).await;
        }
    }
}
