//! The tables of the page.

use super::super::proportion::Proportion;
use super::super::rates::OperatingPoint;
use super::super::{
    GroupReport, HeldOutRate, IdentificationPoint, ModelHash, QualityReport, Rate, Report, percent,
};

/// What is told of an operating point.
const POINT: [&str; 7] = [
    "target FMR",
    "threshold",
    "FMR",
    "false matches",
    "FNMR, %",
    "FAR",
    "FRR, %",
];

/// A section with a table; rows are cells that are HTML already.
fn section(title: &str, note: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let head: String = head
        .iter()
        .map(|cell| format!("<th scope=\"col\">{cell}</th>"))
        .collect();
    let rows: String = rows
        .iter()
        .map(|cells| format!("<tr><td>{}</td></tr>\n", cells.join("</td><td>")))
        .collect();
    let note = if note.is_empty() {
        String::new()
    } else {
        format!("<p class=\"note\">{note}</p>\n")
    };
    format!(
        "<h2>{title}</h2>\n{note}<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table></div>\n"
    )
}

/// What was measured.
pub(super) fn data(report: &Report) -> String {
    let failed = Proportion {
        count: report.failures_to_acquire.len(),
        of: report.images,
    };
    let accuracy = report.accuracy.as_ref().map_or_else(String::new, |accuracy| {
        format!(
            " Over the {} folds of its protocol the accuracy is <strong>{:.2} %</strong> ± {:.2} (mean and standard deviation).",
            accuracy.folds.len(),
            percent(accuracy.mean),
            percent(accuracy.standard_deviation)
        )
    });
    format!(
        "<p>{} pictures of {} subjects in the dataset <strong>{}</strong>: {} mated and {} non-mated comparisons. Failure to \
         acquire (FTA): {}.{accuracy}</p>\n<p class=\"note\">SHA-256 over the SHA-256 digests of its pictures: <code>{}</code></p>\n",
        report.images,
        report.subjects,
        escaped(&report.dataset),
        report.mated,
        report.non_mated,
        counted(failed),
        report.dataset_sha256,
    )
}

/// Error rates of verification.
pub(super) fn verification(report: &Report) -> String {
    section(
        "Verification",
        "One against one. In brackets: 95 % intervals by a bootstrap over subjects. FAR and FRR count failures to acquire as \
         refusals.",
        &POINT,
        &points(&report.operating_points),
    )
}

fn points(points: &[OperatingPoint]) -> Vec<Vec<String>> {
    let row = |point: &OperatingPoint| {
        let Rate { value, low, high } = point.fmr;
        vec![
            format!("{:.0e}", point.target_fmr),
            format!("{:.4}", point.threshold),
            format!("{value:.2e} [{low:.2e}, {high:.2e}]"),
            point.false_matches.to_string(),
            share(point.fnmr),
            format!("{:.2e}", point.far),
            format!("{:.2}", percent(point.frr)),
        ]
    };
    points.iter().map(row).collect()
}

/// Error rates of searches.
pub(super) fn identification(report: &Report) -> String {
    let Some(identification) = &report.identification else {
        return String::new();
    };
    let note = format!(
        "One against many: {} subjects enrolled with one picture each, {} probes of them, {} probes of others. Failure to enrol \
         (FTE): {}. Whatever the score, the right one comes first for {} of the mated probes. FNIR: the right one is not among the \
         ten best that reach the threshold.",
        identification.gallery,
        identification.mated_probes,
        identification.non_mated_probes,
        counted(identification.failures_to_enrol),
        counted(identification.first),
    );
    let row = |point: &IdentificationPoint| {
        vec![
            format!("{} %", percent(point.target_fpir)),
            format!("{:.4}", point.threshold),
            counted(point.fpir),
            share(point.fnir),
        ]
    };
    let rows: Vec<_> = identification.points.iter().map(row).collect();
    let head = ["target FPIR", "threshold", "FPIR", "FNIR, %"];
    section("Identification", &note, &head, &rows)
}

/// Error rates of groups.
pub(super) fn groups(report: &Report) -> String {
    let table = |group: &GroupReport| {
        let note = format!(
            "{} subjects, {} mated and {} non-mated comparisons among them, at everybody's thresholds. Failure to acquire: {}.",
            group.subjects,
            group.mated,
            group.non_mated,
            counted(group.failures_to_acquire),
        );
        section(
            &format!("Group {}", escaped(&group.name)),
            &note,
            &POINT,
            &points(&group.operating_points),
        )
    };
    report.groups.iter().map(table).collect()
}

/// Whether a calibration holds for others.
pub(super) fn held_out(report: &Report) -> String {
    if report.held_out.is_empty() {
        return String::new();
    }
    let row = |rate: &HeldOutRate| {
        let beyond = if rate.extrapolated {
            " (beyond its data)"
        } else {
            ""
        };
        vec![
            format!("{:.0e}{beyond}", rate.target_fmr),
            format!("{:.4}", rate.threshold),
            format!("{:.2e}", rate.fmr),
            rate.false_matches.to_string(),
        ]
    };
    let rows: Vec<_> = report.held_out.iter().map(row).collect();
    section(
        "Calibration for people whom it has not seen",
        "A table made from the people of the first folds, and what it lets through among the others.",
        &["asked for", "threshold", "FMR", "false matches"],
        &rows,
    )
}

/// Whether the quality score tells which comparisons go wrong.
pub(super) fn quality(report: &Report) -> String {
    let table = |curves: &QualityReport| {
        let rows = curves.curves.iter().flat_map(|curve| {
            curve.points.iter().map(|(discarded, fnmr)| {
                vec![
                    format!("{:.0e}", curve.target_fmr),
                    format!("{discarded} %"),
                    counted(*fnmr),
                ]
            })
        });
        section(
            &format!("Error versus discard, {}", escaped(curves.people)),
            "FNMR at a fixed threshold as the comparisons with the worst quality are left out (ISO/IEC 29794-1).",
            &["target FMR", "left out", "FNMR"],
            &rows.collect::<Vec<_>>(),
        )
    };
    report.quality.iter().map(table).collect()
}

/// What it was measured with.
pub(super) fn models(report: &Report) -> String {
    let row = |model: &ModelHash| {
        vec![
            escaped(&model.file),
            format!("<code>{}</code>", escaped(&model.sha256)),
        ]
    };
    let rows: Vec<_> = report.models.files.iter().map(row).collect();
    section("Models", "", &["file", "SHA-256"], &rows)
}

/// A rate in percent with its interval.
fn share(rate: Rate) -> String {
    let [value, low, high] = [rate.value, rate.low, rate.high].map(percent);
    format!("{value:.2} [{low:.2}, {high:.2}]")
}

/// A share in percent, with its interval and what was counted.
fn counted(proportion: Proportion) -> String {
    let Some(value) = proportion.value() else {
        return "none of 0".to_owned();
    };
    let (low, high) = proportion.interval();
    let [value, low, high] = [value, low, high].map(percent);
    let Proportion { count, of } = proportion;
    format!("{value:.2} % [{low:.2}, {high:.2}] ({count} of {of})")
}

/// Text as HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_nothing_else() {
        assert_eq!(
            escaped("<b title=\"a\">&"),
            "&lt;b title=&quot;a&quot;&gt;&amp;"
        );
    }

    #[test]
    fn counts_are_told_with_their_shares() {
        let half = Proportion { count: 5, of: 10 };
        assert_eq!(counted(half), "50.00 % [23.66, 76.34] (5 of 10)");
        assert_eq!(counted(Proportion { count: 0, of: 0 }), "none of 0");
    }
}
