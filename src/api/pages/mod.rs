//! The pages for people: `/demo` takes a person through a check, `/console` is for those who review.
//!
//! They are files of plain HTML, CSS and modules within the program. They hold no data of anybody: whatever they show they
//! ask of the API, at their own origin and with the token that the person brings.

mod files;

use std::sync::{LazyLock, OnceLock};

use actix_web::HttpResponse;
use actix_web::http::header::{
    CONTENT_TYPE, CacheControl, CacheDirective, ETAG, EntityTag, Header as _, IfNoneMatch,
};
use actix_web::{HttpRequest, web};
use sha2::{Digest as _, Sha256};

use crate::domain::calibration::Calibration;
use crate::domain::embedder::Embedder;
use crate::domain::hex::hex;
use files::{FILES, JSON};

/// The page that uses the camera.
pub(super) const DEMO: &str = "/demo";
/// Where the pages are.
const PAGES: [(&str, &str); 2] = [(DEMO, "demo.html"), ("/console", "console.html")];
/// Where the files are that the pages are made of.
const FOLDER: &str = "/pages/";
/// Where a page finds how often strangers look alike.
const CALIBRATION: &str = "calibration.json";

/// A file as it is served.
struct Served {
    path: String,
    media_type: &'static str,
    body: web::Bytes,
    tag: EntityTag,
}

impl Served {
    fn new(path: String, media_type: &'static str, body: web::Bytes) -> Self {
        let tag = EntityTag::new_strong(hex(&Sha256::digest(&body)[..16]));
        Self {
            path,
            media_type,
            body,
            tag,
        }
    }

    /// The file, or word that the browser has it already.
    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let is_same = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&self.tag)),
            // Without the header this reads as no tag at all.
            Ok(IfNoneMatch::Any) => true,
            Err(_) => false,
        };
        let mut answer = if is_same {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        answer
            .insert_header((ETAG, self.tag.clone()))
            // Kept, and asked for each time: another version of the service has other files under the same names.
            .insert_header(CacheControl(vec![CacheDirective::NoCache]));
        if is_same {
            answer.finish()
        } else {
            answer
                .insert_header((CONTENT_TYPE, self.media_type))
                .body(self.body.clone())
        }
    }
}

/// True for the route of a page or of one of its files.
pub(super) fn is_page(route: &str) -> bool {
    route.starts_with(FOLDER) || PAGES.iter().any(|(path, _)| *path == route)
}

/// Every file.
fn served() -> &'static [Served] {
    static SERVED: LazyLock<Vec<Served>> = LazyLock::new(|| {
        let bytes = |text: &'static str| web::Bytes::from_static(text.as_bytes());
        let files = FILES.iter().map(|file| {
            let page = PAGES.iter().find(|(_, name)| *name == file.name);
            let path = match page {
                Some((path, _)) => (*path).to_owned(),
                None => format!("{FOLDER}{}", file.name),
            };
            Served::new(path, file.media_type, bytes(file.text))
        });
        files.collect()
    });
    &SERVED
}

/// The table by which similarities are read as error rates, so that a page can draw it.
fn calibration(embedder: Embedder) -> &'static Served {
    static FUSED: LazyLock<Served> = LazyLock::new(|| table_of(Embedder::Fused));
    static SFACE: LazyLock<Served> = LazyLock::new(|| table_of(Embedder::Sface));
    static FR_FEATURE: LazyLock<Served> = LazyLock::new(|| table_of(Embedder::FrFeature));
    static OWN: OnceLock<Served> = OnceLock::new();
    match embedder {
        Embedder::Fused => &FUSED,
        Embedder::Sface => &SFACE,
        Embedder::FrFeature => &FR_FEATURE,
        // One embedder is at work in a process.
        Embedder::Own(_) => OWN.get_or_init(|| table_of(embedder)),
    }
}

fn table_of(embedder: Embedder) -> Served {
    // Numbers and texts only: nothing in it can fail to be written.
    let table = serde_json::to_vec(&Calibration::of(embedder)).unwrap_or_default();
    Served::new(format!("{FOLDER}{CALIBRATION}"), JSON, table.into())
}

/// Registers the pages and their files, with the table of the embedder at work.
pub(super) fn routes(config: &mut web::ServiceConfig, embedder: Embedder) {
    for file in served().iter().chain([calibration(embedder)]) {
        let answer = move |request: HttpRequest| async move { file.answer(&request) };
        config.route(&file.path, web::get().to(answer));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::files::HTML;
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served_and_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/pages/assets");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let there: BTreeSet<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        let known: BTreeSet<_> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(there, known);
        for (path, name) in PAGES {
            let page = served().iter().find(|file| file.path == path);
            assert_eq!(page.map(|page| page.media_type), Some(HTML), "{name}");
        }
    }

    #[test]
    fn no_file_writes_markup_from_data_or_asks_another_host() {
        for file in FILES {
            let lines = file.text.lines().enumerate();
            for (number, line) in lines {
                let spoilt = [
                    "innerHTML",
                    "outerHTML",
                    "insertAdjacentHTML",
                    "document.write",
                    "eval(",
                    "new Function",
                    "localStorage",
                    "style=\"",
                    " onclick=",
                    " onload=",
                    "https://",
                ];
                for sign in spoilt {
                    assert!(!line.contains(sign), "{}:{}: {sign}", file.name, number + 1);
                }
                let plain = line.replace("http://www.w3.org/2000/svg", "");
                assert!(!plain.contains("http://"), "{}:{}", file.name, number + 1);
            }
            assert!(file.text.lines().count() < 400, "{}", file.name);
        }
    }
}
