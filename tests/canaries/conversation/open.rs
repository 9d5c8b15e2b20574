//! What is open to all.

use std::path::Path;

use reqwest::Method;

use super::Conversation;

impl Conversation<'_> {
    pub(super) async fn open(&mut self) {
        for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs/"] {
            let request = self.bare(Method::GET, path);
            self.hear(path, request, 200).await;
        }
        for path in pages() {
            let request = self
                .bare(Method::GET, &format!("{path}?token={}", self.secrets.query))
                .header("if-none-match", format!("\"{}\"", self.secrets.header));
            self.hear(&path, request, 200).await;
        }
    }
}

/// The pages for people, and the files that they are made of.
fn pages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/pages/assets");
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut paths: Vec<String> = names
        .map(|name| match name.strip_suffix(".html") {
            Some(page) => format!("/{page}"),
            None => format!("/pages/{name}"),
        })
        .collect();
    paths.push("/pages/calibration.json".to_owned());
    paths
}
