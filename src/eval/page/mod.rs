//! A report as a page: one HTML file that needs nothing else, with its figures as SVG in it.
//!
//! It names no picture, since pictures are named after people.

mod plot;
mod tables;

use super::Report;
use tables::escaped;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn of(report: &Report) -> String {
    let title = format!("Accuracy of {}", escaped(&report.models.embedder));
    let sections = [
        tables::data(report),
        figure(
            &plot::det(&report.det),
            "Detection error trade-off: misses of the same person against matches of two people, by threshold.",
        ),
        figure(
            &plot::distributions(&report.distributions, &report.operating_points),
            "Scores of two people and of one person, each as shares of all of their kind; the lines are thresholds.",
        ),
        tables::verification(report),
        tables::identification(report),
        tables::groups(report),
        tables::held_out(report),
        tables::quality(report),
        tables::models(report),
    ];
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}\
         <footer>Made by likeness {version}: <code>likeness eval --report FILE</code>. Terms and rates are those of \
         ISO/IEC 19795-1.</footer>\n</main>\n</body>\n</html>\n",
        sections.concat()
    )
}

fn figure(svg: &str, caption: &str) -> String {
    format!("<figure>\n{svg}<figcaption>{caption}</figcaption>\n</figure>\n")
}
