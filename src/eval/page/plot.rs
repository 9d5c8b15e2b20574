//! The figures, as SVG.

use std::fmt::Write as _;

use super::super::curves::{DetPoint, Distributions};
use super::super::rates::OperatingPoint;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 50.0;

/// One side of a figure: what lies at its beginning and at its end, and where that is drawn.
struct Axis {
    values: (f64, f64),
    pixels: (f64, f64),
}

impl Axis {
    fn across(from: f64, to: f64) -> Self {
        Self {
            values: (from, to),
            pixels: (LEFT, WIDTH - RIGHT),
        }
    }

    fn up(from: f64, to: f64) -> Self {
        Self {
            values: (from, to),
            pixels: (HEIGHT - BOTTOM, TOP),
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value - self.values.0) / (self.values.1 - self.values.0);
        self.pixels.0 + share.clamp(0.0, 1.0) * (self.pixels.1 - self.pixels.0)
    }
}

/// A figure that grows.
struct Figure {
    x: Axis,
    y: Axis,
    svg: String,
}

impl Figure {
    /// Starts one; the description is what those hear who do not see it.
    fn new(x: Axis, y: Axis, description: &str) -> Self {
        let svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{description}\">\n"
        );
        Self { x, y, svg }
    }

    // Writing to a string cannot fail.
    fn draw(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.svg, "{element}");
    }

    /// A line up from a value, with what it is at its foot.
    fn mark_x(&mut self, value: f64, label: &str) {
        let (x, foot) = (self.x.at(value), HEIGHT - BOTTOM);
        self.draw(format_args!(
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{foot}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            foot + 18.0
        ));
    }

    /// A line across from a value, with what it is before it.
    fn mark_y(&mut self, value: f64, label: &str) {
        let (y, end) = (self.y.at(value), WIDTH - RIGHT);
        self.draw(format_args!(
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{end}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0,
            y + 4.0
        ));
    }

    fn name_axes(&mut self, x: &str, y: &str) {
        let (across, up) = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
        self.draw(format_args!(
            "<text x=\"{across}\" y=\"{:.1}\" text-anchor=\"middle\">{x}</text>\
             <text transform=\"translate(16 {up}) rotate(-90)\" text-anchor=\"middle\">{y}</text>",
            HEIGHT - 8.0
        ));
    }

    fn points(&self, values: impl Iterator<Item = (f64, f64)>) -> String {
        let point = |(x, y): (f64, f64)| format!("{:.1},{:.1}", self.x.at(x), self.y.at(y));
        values.map(point).collect::<Vec<_>>().join(" ")
    }

    fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

/// FNMR by FMR, both by powers of ten.
pub(super) fn det(points: &[DetPoint]) -> String {
    let known = |point: &&DetPoint| point.fmr > 0.0 && point.fnmr > 0.0;
    let logarithms = |point: &DetPoint| (point.fmr.log10(), point.fnmr.log10());
    let curve: Vec<(f64, f64)> = points.iter().filter(known).map(logarithms).collect();
    let lowest = |values: &mut dyn Iterator<Item = f64>| values.fold(-1.0, f64::min).floor();
    let left = lowest(&mut curve.iter().map(|point| point.0));
    let bottom = lowest(&mut curve.iter().map(|point| point.1));
    let description =
        "FNMR by FMR, both on logarithmic scales; the table of verification has its numbers.";
    let mut figure = Figure::new(Axis::across(left, 0.0), Axis::up(bottom, 0.0), description);
    for decade in left as i32..=0 {
        figure.mark_x(f64::from(decade), &power(decade));
    }
    for decade in bottom as i32..=0 {
        figure.mark_y(f64::from(decade), &power(decade));
    }
    figure.name_axes("FMR", "FNMR");
    let drawn = figure.points(curve.into_iter());
    figure.draw(format_args!(
        "<polyline class=\"curve mated\" points=\"{drawn}\"/>"
    ));
    figure.finish()
}

/// The spread of both kinds of scores, and the thresholds.
pub(super) fn distributions(spread: &Distributions, thresholds: &[OperatingPoint]) -> String {
    let Distributions {
        from,
        bin,
        non_mated,
        mated,
    } = spread;
    let to = from + bin * mated.len() as f64;
    let most = non_mated.iter().chain(mated).copied().fold(0.0, f64::max);
    let description = "Histograms of the scores of two people and of one person; scores of one person are higher.";
    let mut figure = Figure::new(Axis::across(*from, to), Axis::up(0.0, most), description);
    for tenth in (from * 5.0).ceil() as i32..=(to * 5.0).floor() as i32 {
        let value = f64::from(tenth) / 5.0;
        figure.mark_x(value, &format!("{value:.1}"));
    }
    figure.mark_y(0.0, "0");
    figure.name_axes("cosine similarity", "share");
    for (class, name, shares) in [
        ("non-mated", "two people", non_mated),
        ("mated", "one person", mated),
    ] {
        // Steps, from the ground and back to it.
        let steps = shares.iter().enumerate().flat_map(|(index, &share)| {
            let left = from + bin * index as f64;
            [(left, share), (left + bin, share)]
        });
        let outline = [(*from, 0.0)].into_iter().chain(steps).chain([(to, 0.0)]);
        let drawn = figure.points(outline);
        figure.draw(format_args!(
            "<polygon class=\"area {class}\" points=\"{drawn}\"/>"
        ));
        let highest = (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b]));
        let highest = highest.unwrap_or_default();
        let x = figure.x.at(from + bin * (highest as f64 + 0.5));
        figure.draw(format_args!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
            HEIGHT - BOTTOM - 10.0
        ));
    }
    for (index, point) in thresholds.iter().enumerate() {
        let (x, foot) = (figure.x.at(point.threshold), HEIGHT - BOTTOM);
        // Their names would run into each other on one line.
        let y = TOP + 14.0 + 16.0 * index as f64;
        figure.draw(format_args!(
            "<line class=\"threshold\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{foot}\"/>\
             <text x=\"{:.1}\" y=\"{y}\">FMR {:.0e}</text>",
            x + 5.0,
            point.target_fmr
        ));
    }
    figure.finish()
}

fn power(decade: i32) -> String {
    match decade {
        0 => "1".to_owned(),
        decade => format!("1e{decade}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_puts_its_ends_at_the_edges() {
        let (x, y) = (Axis::across(-6.0, 0.0), Axis::up(0.0, 0.5));
        assert_eq!((x.at(-6.0), x.at(0.0)), (LEFT, WIDTH - RIGHT));
        assert_eq!((y.at(0.0), y.at(0.5)), (HEIGHT - BOTTOM, TOP));
        assert_eq!(x.at(-7.0), LEFT);
    }

    #[test]
    fn a_curve_without_errors_is_an_empty_figure() {
        assert!(det(&[]).contains("points=\"\""));
    }
}
