//! Presentation attack detection on labelled pictures: `likeness eval --pad DIR`.
//!
//! `DIR` holds a folder `live` with bona fide presentations and one folder for each kind of attack, named after it. The
//! rates are those of ISO/IEC 30107-3: of an attack kind, how often an attack is taken for a live face (APCER); of the
//! live faces, how often one is taken for an attack (BPCER); and of either, how often there is no answer. No answer is
//! what a verification has none for: a picture that cannot be read, or without exactly one face.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::parallel;
use super::proportion::Proportion;
use super::{EvalError, vision_failure};
use crate::domain::policy::Policy;
use crate::vision::{AnalysisRequest, FaceBackend, Layout, ModelError};

/// The folder of the bona fide presentations.
pub const LIVE: &str = "live";

const REQUEST: AnalysisRequest = AnalysisRequest {
    liveness: true,
    ..AnalysisRequest::of(Layout::Selfie)
};

/// What came of the presentations of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct KindReport {
    /// The folder's name.
    pub kind: String,
    /// Of those with an answer, how many got the wrong one: APCER of an attack, BPCER of live faces.
    pub errors: Proportion,
    /// How many had no answer: APNRR or BPNRR.
    pub non_responses: Proportion,
}

impl KindReport {
    /// From the scores of the presentations, `None` without an answer.
    fn new(kind: &str, scores: &[Option<f32>], threshold: f64) -> Self {
        let live = kind == LIVE;
        let wrong = |score: &f32| (f64::from(*score) >= threshold) != live;
        let answered = scores.iter().flatten().count();
        Self {
            kind: kind.to_owned(),
            errors: Proportion {
                count: scores.iter().flatten().filter(|score| wrong(score)).count(),
                of: answered,
            },
            non_responses: Proportion {
                count: scores.len() - answered,
                of: scores.len(),
            },
        }
    }
}

/// The APCERs that the BPCER is told at beside that of the threshold, in parts of 100.
const TOLD_APCERS: [usize; 2] = [5, 10];

/// How many live faces are lost where no kind of attack gets through more often than so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// The most that every kind may get through, in parts of 100.
    pub apcer_percent: usize,
    /// The highest score that is taken for an attack then, and the live faces with no higher one. None where a kind has too
    /// few attacks for such a share of them to be one.
    pub held: Option<(f32, Proportion)>,
}

impl OperatingPoint {
    fn new(
        apcer_percent: usize,
        live: &[Option<f32>],
        attacks: &BTreeMap<&str, Vec<Option<f32>>>,
    ) -> Self {
        let cuts: Option<Vec<f32>> = attacks
            .values()
            .map(|scores| cut(scores, apcer_percent))
            .collect();
        let highest = cuts.and_then(|cuts| cuts.into_iter().reduce(f32::max));
        let held = highest.map(|cut| {
            let answered = live.iter().flatten();
            let of = answered.clone().count();
            let through = answered.filter(|score| **score > cut).count();
            let count = of - through;
            (cut, Proportion { count, of })
        });
        Self {
            apcer_percent,
            held,
        }
    }

    /// Attacks that every kind needs.
    fn needs(&self) -> usize {
        100_usize.div_ceil(self.apcer_percent)
    }
}

/// The highest score of a kind that has to be taken for an attack.
fn cut(scores: &[Option<f32>], apcer_percent: usize) -> Option<f32> {
    // A score that is not a number is an attack's at any threshold.
    let number = |score: f32| if score.is_nan() { -1.0 } else { score };
    let mut answered: Vec<f32> = scores.iter().flatten().map(|s| number(*s)).collect();
    answered.sort_by(|a, b| b.total_cmp(a));
    let through = answered.len() * apcer_percent / 100;
    let cut = answered.get(through).copied();
    cut.filter(|_| through > 0)
}

/// How well live faces and attacks are told apart; `Display` prints it as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct PadReport {
    /// Scores below it are taken for an attack.
    pub threshold: f64,
    /// The live faces.
    pub live: KindReport,
    /// Each kind of attack, by name.
    pub attacks: Vec<KindReport>,
    /// What other thresholds would cost live faces.
    pub operating_points: Vec<OperatingPoint>,
}

impl PadReport {
    /// From the score of each presentation by folder and file, where it had one.
    fn new(scores: &[(PathBuf, Option<f32>)], threshold: f64) -> Self {
        let mut kinds: BTreeMap<&str, Vec<Option<f32>>> = BTreeMap::new();
        for (path, score) in scores {
            let kind = path.parent().and_then(Path::to_str).unwrap_or_default();
            kinds.entry(kind).or_default().push(*score);
        }
        let live = kinds.remove(LIVE).unwrap_or_default();
        let operating_points = TOLD_APCERS.map(|apcer| OperatingPoint::new(apcer, &live, &kinds));
        let attack = |(kind, scores): (&str, Vec<_>)| KindReport::new(kind, &scores, threshold);
        Self {
            threshold,
            live: KindReport::new(LIVE, &live, threshold),
            attacks: kinds.into_iter().map(attack).collect(),
            operating_points: operating_points.into(),
        }
    }

    /// The kind of attack that gets through most often, which is what a system is judged by.
    #[must_use]
    pub fn worst(&self) -> Option<&KindReport> {
        let rate = |kind: &KindReport| kind.errors.value().unwrap_or(-1.0);
        self.attacks
            .iter()
            .max_by(|a, b| rate(a).total_cmp(&rate(b)))
            .filter(|kind| kind.errors.of > 0)
    }
}

/// Judges every picture at the threshold that verifications have unless they are told another.
///
/// # Errors
/// [`EvalError`] where the folder or a model is at fault.
pub fn run<B: FaceBackend>(
    folder: &Path,
    jobs: usize,
    make_backend: impl Fn() -> Result<B, ModelError> + Sync,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<PadReport, EvalError> {
    let pictures = list(folder)?;
    let (count, done) = (pictures.len(), AtomicUsize::new(0));
    let scores = parallel::map(
        count,
        jobs,
        || make_backend().map_err(EvalError::from),
        |backend, index| {
            let score = judge(backend, &folder.join(&pictures[index]))?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, count);
            Ok(score)
        },
    )?;
    let scores: Vec<_> = pictures.into_iter().zip(scores).collect();
    Ok(PadReport::new(
        &scores,
        Policy::default().liveness_threshold,
    ))
}

/// The score of the one face of a picture.
fn judge(backend: &mut impl FaceBackend, path: &Path) -> Result<Option<f32>, EvalError> {
    let encoded = fs::read(path).map_err(|source| EvalError::Read {
        path: path.to_owned(),
        source,
    })?;
    match backend.analyse(&encoded, &REQUEST) {
        Ok(analysis) => Ok(match &analysis.faces[..] {
            [face] => face.liveness,
            _ => None,
        }),
        Err(error) => vision_failure(error, path).map(|()| None),
    }
}

/// The pictures as `kind/file`, by name; a kind without pictures is none, and live faces and attacks are both needed.
fn list(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let mut pictures = Vec::new();
    for kind in entries(folder)? {
        let path = folder.join(&kind);
        if path.is_dir() {
            let files = entries(&path)?.into_iter().map(|file| kind.join(file));
            pictures.extend(files.filter(|file| folder.join(file).is_file()));
        }
    }
    let live = pictures
        .iter()
        .filter(|path| path.starts_with(LIVE))
        .count();
    if live == 0 || live == pictures.len() {
        return Err(EvalError::NoPresentations(folder.to_owned()));
    }
    Ok(pictures)
}

/// The names in a folder, in order, without hidden ones.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let failed = |source| EvalError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !name.to_string_lossy().starts_with('.') {
            names.push(PathBuf::from(name));
        }
    }
    names.sort();
    Ok(names)
}

impl fmt::Display for PadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "liveness threshold  {} (a score below it is taken for an attack)\n",
            self.threshold
        )?;
        writeln!(
            f,
            "{:24}  {:32}  no answer % [95 %]",
            "presentations", "error % [95 %]"
        )?;
        for kind in &self.attacks {
            row(f, "APCER", kind)?;
        }
        if let Some(worst) = self.worst() {
            writeln!(f, "{:24}  {}", "APCER, worst kind", worst.errors)?;
        }
        row(f, "BPCER", &self.live)?;
        for point in &self.operating_points {
            let name = format!("BPCER at APCER {} %", point.apcer_percent);
            match point.held {
                Some((cut, lost)) => writeln!(f, "{name:24}  {lost}  scores above {cut:.3}")?,
                None => {
                    let needs = point.needs();
                    writeln!(
                        f,
                        "{name:24}  needs {needs} attacks of each kind with an answer"
                    )?;
                }
            }
        }
        writeln!(
            f,
            "\nErrors are rates of the presentations with an answer (ISO/IEC 30107-3); intervals are Wilson's, and take\n\
             presentations for independent, which several of one person or one instrument are not."
        )
    }
}

fn row(f: &mut fmt::Formatter<'_>, rate: &str, kind: &KindReport) -> fmt::Result {
    let name = format!("{rate} {}", kind.kind);
    writeln!(f, "{name:24}  {}  {}", kind.errors, kind.non_responses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_by_kind_over_those_with_an_answer_and_the_worst_kind_is_named() {
        let score = |path: &str, score: Option<f32>| (PathBuf::from(path), score);
        let report = PadReport::new(
            &[
                score("live/a", Some(0.9)),
                score("live/b", Some(0.4)),
                score("live/c", Some(0.5)),
                score("live/d", None),
                score("print/a", Some(0.1)),
                score("print/b", Some(0.2)),
                score("screen/a", Some(0.7)),
                score("screen/b", Some(0.1)),
                score("screen/c", None),
            ],
            0.5,
        );
        let counts = |kind: &KindReport| {
            let (errors, lost) = (kind.errors, kind.non_responses);
            (errors.count, errors.of, lost.count, lost.of)
        };
        assert_eq!(counts(&report.live), (1, 3, 1, 4));
        let kinds: Vec<&str> = report.attacks.iter().map(|k| k.kind.as_str()).collect();
        assert_eq!(kinds, ["print", "screen"]);
        assert_eq!(counts(&report.attacks[0]), (0, 2, 0, 2));
        assert_eq!(counts(&report.attacks[1]), (1, 2, 1, 3));
        assert_eq!(report.worst().unwrap().kind, "screen");
        let printed = report.to_string();
        assert!(
            printed.contains("APCER, worst kind          50.00 ["),
            "{printed}"
        );
        assert!(
            printed.contains("BPCER live                 33.33 ["),
            "{printed}"
        );
    }

    #[test]
    fn what_a_stricter_threshold_costs_live_faces_is_told_where_every_kind_has_enough_attacks() {
        let scores = |folder: &str, scores: &[f32]| -> Vec<(PathBuf, Option<f32>)> {
            let named = scores.iter().enumerate();
            let path = |index: usize| PathBuf::from(format!("{folder}/{index:02}"));
            named.map(|(i, score)| (path(i), Some(*score))).collect()
        };
        let mut all = scores("live", &[0.2, 0.65, 0.8, 0.9, f32::NAN]);
        let screens: Vec<f32> = (0..20).map(|i| 0.03 * i as f32).collect();
        all.extend(scores("screen", &screens));
        // The worst kind counts: one of its ten may get through at 10 %, and none of so few at 5 %.
        all.extend(scores(
            "print",
            &[0.99, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
        ));
        let report = PadReport::new(&all, 0.5);
        let [five, ten] = [0, 1].map(|at| report.operating_points[at].held);
        assert_eq!(five, None);
        let lost = Proportion { count: 3, of: 5 };
        assert_eq!(ten, Some((0.7, lost)));
        let printed = report.to_string();
        assert!(
            printed.contains("BPCER at APCER 5 %        needs 20 attacks"),
            "{printed}"
        );
        assert!(
            printed.contains("BPCER at APCER 10 %        60.00 ["),
            "{printed}"
        );
        assert!(printed.contains("scores above 0.700"), "{printed}");
    }

    #[test]
    fn a_score_that_is_no_number_is_an_attack() {
        let kind = KindReport::new(LIVE, &[Some(f32::NAN)], 0.5);
        assert_eq!(kind.errors.count, 1);
        let kind = KindReport::new("print", &[Some(f32::NAN)], 0.5);
        assert_eq!(kind.errors.count, 0);
    }

    #[test]
    fn folders_are_kinds_and_both_live_faces_and_attacks_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "picture").unwrap();
        };
        put("README.md");
        put("live/b.jpg");
        put("live/a.jpg");
        assert!(matches!(
            list(folder.path()),
            Err(EvalError::NoPresentations(_))
        ));
        put("screen/a.jpg");
        put("screen/.hidden");
        let listed = list(folder.path()).unwrap();
        let expected = ["live/a.jpg", "live/b.jpg", "screen/a.jpg"].map(PathBuf::from);
        assert_eq!(listed, expected);
    }
}
