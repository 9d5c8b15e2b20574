//! A list that is moved to another embedder, and back, and there again.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::Conversation;

/// What the default embedder rests on, so that it is there.
const MODEL: &str = "fr_feature";

impl Conversation<'_> {
    pub(super) async fn moves(&mut self, list: &str) {
        self.activate(list, "manual").await;
        self.wait_until(list, "ready").await;
        self.note_templates().await;
        let people = format!("/v1/watchlists/{list}/model_change/subjects_to_enrol");
        let people = self.request(Method::GET, &people);
        let people = self.hear_own("reading whom to enrol", people, 200).await;
        assert_eq!(people.json()["items"], json!([]), "their pictures are kept");
        let form = Form::new().part("image", self.file(&self.secrets.portrait));
        let search = format!("/v1/watchlists/{list}/search");
        let search = self.request(Method::POST, &search).multipart(form);
        self.hear_own("searching while it is moved", search, 200)
            .await;
        self.step(list, "switch", 200).await;
        self.step(list, "switch", 409).await;
        self.step(list, "roll_back", 200).await;
        self.activate(list, "automatic").await;
        self.wait_until(list, "switched").await;
        self.step(list, "finish", 200).await;
        let form = Form::new().part("image", self.file(&self.secrets.portrait));
        let search = format!("/v1/watchlists/{list}/search");
        let search = self.request(Method::POST, &search).multipart(form);
        let found = self.hear_own("searching after it was moved", search, 200);
        let hits = found.await.json()["hits"].clone();
        assert!(!hits.as_array().unwrap().is_empty());
        self.note_templates().await;
    }

    async fn activate(&mut self, list: &str, switch: &str) {
        let path = format!("/v1/models/{MODEL}/activate");
        let body = json!({"watchlist_id": list, "switch": switch});
        let activate = self.request(Method::POST, &path).json(&body);
        self.hear("moving a list", activate, 202).await;
    }

    async fn step(&mut self, list: &str, step: &str, status: u16) {
        let path = format!("/v1/watchlists/{list}/model_change/{step}");
        let request = self.request(Method::POST, &path);
        self.hear("a step of a move", request, status).await;
    }

    async fn wait_until(&mut self, list: &str, state: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        let path = format!("/v1/watchlists/{list}/model_change");
        loop {
            let read = self.request(Method::GET, &path);
            let change = self.hear("reading a move", read, 200).await.json();
            if change["state"] == state {
                return change;
            }
            assert!(Instant::now() < deadline, "{change}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
