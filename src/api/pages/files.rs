//! The files, as they are in the program.

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JSON: &str = "application/json";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One of them.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) media_type: &'static str,
    pub(super) text: &'static str,
}

macro_rules! file {
    ($name:literal, $media_type:expr) => {
        File {
            name: $name,
            media_type: $media_type,
            text: include_str!(concat!("assets/", $name)),
        }
    };
}

pub(super) const FILES: &[File] = &[
    file!("demo.html", HTML),
    file!("console.html", HTML),
    file!("style.css", CSS),
    file!("answer.css", CSS),
    file!("mark.svg", SVG),
    file!("answer.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("camera.js", SCRIPT),
    file!("challenge.js", SCRIPT),
    file!("console.js", SCRIPT),
    file!("demo.js", SCRIPT),
    file!("document.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("enrol.js", SCRIPT),
    file!("figures.js", SCRIPT),
    file!("listform.js", SCRIPT),
    file!("paging.js", SCRIPT),
    file!("people.js", SCRIPT),
    file!("pictures.js", SCRIPT),
    file!("signin.js", SCRIPT),
    file!("verifications.js", SCRIPT),
    file!("watchlists.js", SCRIPT),
    file!("words.js", SCRIPT),
];
