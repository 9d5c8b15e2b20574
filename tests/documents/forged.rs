//! How often the cues of a zone's print notice what was put in, and how often they notice something where nothing was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use likeness::domain::cues::{CueError, CueKind};
use likeness::domain::mrz::Format;
use likeness::vision::document::Print;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::readers;
use crate::render::{Font, Forged, Forgery};
use crate::spoil::Damage;
use crate::zones::zone;

/// One page that was read.
struct Outcome {
    forgery: Option<Forgery>,
    damage: Damage,
    print: Option<Print>,
}

/// Writes, spoils and reads zones: of each format, with each damage, genuine and with each forgery.
fn measure(rounds: u64, damages: &[Damage], formats: &[Format], threads: usize) -> Vec<Outcome> {
    let font = Font::load();
    let kinds = || [None].into_iter().chain(Forgery::ALL.map(Some));
    let mut cases = Vec::new();
    for (round, forgery) in (0..rounds).flat_map(|round| kinds().map(move |kind| (round, kind))) {
        for damage in damages {
            cases.extend(
                formats
                    .iter()
                    .map(|format| (round, forgery, *damage, *format)),
            );
        }
    }
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for mut reader in readers(threads) {
            let (next, outcomes, cases, font) = (&next, &outcomes, &cases, &font);
            scope.spawn(move || {
                while let Some(&(round, forgery, damage, format)) =
                    cases.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let seed = round * 1000 + (damage as u64) * 10 + (format as u64) + 500_000;
                    let mut rng = StdRng::seed_from_u64(seed);
                    let lines = zone(format, &mut rng);
                    let pitch = damage.pitch(&mut rng);
                    let forged = forgery.map(|how| Forged {
                        how,
                        line: lines.len() / 2,
                        from: rng.random_range(0..20),
                    });
                    let page = font.forged_page(&lines, pitch, forged, &mut rng);
                    let spoiled = damage.spoil(page, &mut rng);
                    let read = reader.read(&spoiled).unwrap();
                    outcomes.lock().unwrap().push(Outcome {
                        forgery,
                        damage,
                        print: read.and_then(|zone| zone.print),
                    });
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

/// Whether a cue is there for this kind of forgery.
fn looks_for(cue: CueKind, forgery: Forgery) -> bool {
    match cue {
        CueKind::MrzCharacter => {
            matches!(
                forgery,
                Forgery::SixInAnotherFont | Forgery::OneInAnotherFont
            )
        }
        CueKind::MrzAlignment => forgery == Forgery::SixOffTheLine,
    }
}

/// In how many of those that were measured a cue notices something.
fn noticed<'a>(cue: CueKind, outcomes: impl Iterator<Item = &'a Outcome>) -> (usize, usize) {
    let values: Vec<f32> = outcomes
        .filter_map(|outcome| outcome.print)
        .map(|print| print.value(cue))
        .collect();
    let count = values.iter().filter(|value| cue.notices(**value)).count();
    (count, values.len())
}

/// False alarms and misses of a cue.
fn errors(cue: CueKind, outcomes: &[Outcome]) -> CueError {
    let share = |(count, of): (usize, usize)| count as f64 / of.max(1) as f64;
    let genuine = outcomes.iter().filter(|o| o.forgery.is_none());
    let forged = outcomes
        .iter()
        .filter(|o| o.forgery.is_some_and(|forgery| looks_for(cue, forgery)));
    CueError {
        false_alarms: share(noticed(cue, genuine)),
        misses: 1.0 - share(noticed(cue, forged)),
    }
}

/// How often each cue notices something, by what was put in and by what happened to the picture.
fn table(outcomes: &[Outcome]) -> String {
    let mut groups: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        let forgery = match outcome.forgery {
            Some(forgery) => format!("{forgery:?}"),
            None => "nothing".to_owned(),
        };
        for name in [
            format!("{forgery}, {:?}", outcome.damage),
            format!("{forgery}, all"),
        ] {
            groups.entry(name).or_default().push(outcome);
        }
    }
    let mut text = String::from("what was put in, damage         zones  character  alignment\n");
    for (name, group) in groups {
        write!(text, "{name:30}").unwrap();
        for (index, cue) in CueKind::ALL.into_iter().enumerate() {
            let (count, of) = noticed(cue, group.iter().copied());
            if index == 0 {
                write!(text, "  {of:5}").unwrap();
            }
            write!(text, "  {:6.1}%", 100.0 * count as f64 / of.max(1) as f64).unwrap();
        }
        text.push('\n');
    }
    for cue in CueKind::ALL {
        writeln!(text, "{cue:?}: {:?}", errors(cue, outcomes)).unwrap();
    }
    text
}

/// A few of each, so that a change that blinds a cue, or makes it cry wolf, is seen at once.
#[test]
fn cues_notice_what_was_put_in_and_leave_genuine_zones_alone() {
    let damages = [Damage::None, Damage::Jpeg, Damage::Everything];
    let outcomes = measure(1, &damages, &[Format::Td1, Format::Td3], 1);
    for cue in CueKind::ALL {
        let found = errors(cue, &outcomes);
        assert!(
            found.false_alarms <= 0.17 && found.misses <= 0.67,
            "{cue:?}: {found:?}\n{}",
            table(&outcomes)
        );
    }
}

/// The errors that answers tell: `cargo test --release --test documents -- --ignored --nocapture forged`.
#[test]
#[ignore = "takes an hour"]
fn what_answers_tell_of_a_cue_s_error_is_what_is_measured_on_forged_zones() {
    let threads = std::thread::available_parallelism().unwrap().get();
    let outcomes = measure(23, &Damage::ALL, &Format::ALL, threads);
    eprintln!("{} zones\n{}", outcomes.len(), table(&outcomes));
    for cue in CueKind::ALL {
        let (found, told) = (errors(cue, &outcomes), cue.error());
        assert!(
            (found.false_alarms - told.false_alarms).abs() < 0.005,
            "{cue:?}"
        );
        assert!((found.misses - told.misses).abs() < 0.02, "{cue:?}");
    }
}
