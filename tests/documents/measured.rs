//! How well zones are read, by what happened to their pictures.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use likeness::domain::mrz::Format;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::readers;
use crate::render::Font;
use crate::spoil::Damage;
use crate::timed::on_cpu;
use crate::zones::zone;

/// What came of one zone.
struct Outcome {
    damage: Damage,
    format: Format,
    whole: bool,
    /// Characters that are right, where a zone was read.
    right: Option<usize>,
    characters: usize,
    took: Duration,
}

/// Writes, spoils and reads a zone of each format for each kind of damage, `rounds` times over.
fn measure(rounds: usize, threads: usize) -> Vec<Outcome> {
    let font = Font::load();
    let cases: Vec<(Damage, Format, u64)> = (0..rounds as u64)
        .flat_map(|round| {
            let formats = move |damage| Format::ALL.map(|format| (damage, format, round));
            Damage::ALL.into_iter().flat_map(formats)
        })
        .collect();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for mut reader in readers(threads) {
            let (next, outcomes, cases, font) = (&next, &outcomes, &cases, &font);
            scope.spawn(move || {
                while let Some((damage, format, round)) =
                    cases.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let seed = round * 1000 + (*damage as u64) * 10 + (*format as u64);
                    let mut rng = StdRng::seed_from_u64(seed);
                    let lines = zone(*format, &mut rng);
                    let pitch = damage.pitch(&mut rng);
                    let page = font.page(&lines, pitch, &mut rng);
                    let spoiled = damage.spoil(page, &mut rng);
                    let before = on_cpu();
                    let found = reader.read(&spoiled).unwrap();
                    let took = on_cpu().saturating_sub(before);
                    let parsed = read_again(found.as_ref().map(|zone| zone.lines.join("\n")));
                    let right = parsed.as_ref().map(|parsed| agreeing(parsed, &lines));
                    outcomes.lock().unwrap().push(Outcome {
                        damage: *damage,
                        format: *format,
                        whole: parsed.as_ref() == Some(&lines),
                        right,
                        characters: lines.iter().map(String::len).sum(),
                        took,
                    });
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

/// The lines after the domain's repair.
fn read_again(text: Option<String>) -> Option<Vec<String>> {
    let mrz = likeness::domain::mrz::Mrz::parse(&text?, crate::today()).ok()?;
    Some(mrz.lines)
}

fn agreeing(read: &[String], written: &[String]) -> usize {
    let pairs = read.iter().zip(written);
    pairs
        .map(|(a, b)| a.chars().zip(b.chars()).filter(|(a, b)| a == b).count())
        .sum()
}

/// One row for each kind of damage and each format.
fn table(outcomes: &[Outcome]) -> String {
    let mut groups: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        for name in [
            format!("{:?}", outcome.damage),
            outcome.format.name().to_owned(),
            "all".to_owned(),
        ] {
            groups.entry(name).or_default().push(outcome);
        }
    }
    let mut text = String::from("what           zones  found  whole  characters  p50 ms  p95 ms\n");
    for (name, group) in groups {
        let count = group.len();
        let found = group
            .iter()
            .filter(|outcome| outcome.right.is_some())
            .count();
        let whole = group.iter().filter(|outcome| outcome.whole).count();
        let right: usize = group.iter().filter_map(|outcome| outcome.right).sum();
        let characters: usize = group
            .iter()
            .filter(|o| o.right.is_some())
            .map(|o| o.characters)
            .sum();
        let mut times: Vec<f64> = group
            .iter()
            .map(|outcome| outcome.took.as_secs_f64() * 1e3)
            .collect();
        times.sort_by(f64::total_cmp);
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        writeln!(
            text,
            "{name:14} {count:5} {:5.1}% {:5.1}%     {:6.2}%  {:6.0}  {:6.0}",
            percent(found, count),
            percent(whole, count),
            percent(right, characters),
            times[count / 2],
            times[(count * 95 / 100).min(count - 1)],
        )
        .unwrap();
    }
    text
}

/// A few of each, so that a change that spoils reading is seen at once.
#[test]
fn written_zones_are_found_and_read_whatever_happened_to_them() {
    let outcomes = measure(1, 1);
    check(&outcomes);
}

/// Next to every zone is found and next to every character of it is right, of every kind of damage. Most zones that are
/// not whole have an `O` in their number: the recogniser takes it for a `0`, and nothing of the format says otherwise.
fn check(outcomes: &[Outcome]) {
    let table = table(outcomes);
    let share = |group: &[&Outcome]| {
        let read = || group.iter().filter(|outcome| outcome.right.is_some());
        let right: usize = read().filter_map(|outcome| outcome.right).sum();
        let characters: usize = read().map(|outcome| outcome.characters).sum();
        let whole = group.iter().filter(|outcome| outcome.whole).count();
        [
            (read().count(), group.len()),
            (right, characters),
            (whole, group.len()),
        ]
    };
    let at_least = |group: &[&Outcome], floors: [usize; 3], what: &str| {
        for ((part, of), floor) in share(group).into_iter().zip(floors) {
            assert!(part * 100 >= of * floor, "{what}: {part} of {of}\n{table}");
        }
    };
    at_least(&outcomes.iter().collect::<Vec<_>>(), [97, 98, 60], "all");
    for damage in Damage::ALL {
        let group: Vec<_> = outcomes.iter().filter(|o| o.damage == damage).collect();
        at_least(&group, damage_floors(damage), &format!("{damage:?}"));
    }
}

/// The least that has to be found, right by the character, and read whole, in parts of 100; with five zones of a kind, as
/// in the short form, one is 20.
fn damage_floors(damage: Damage) -> [usize; 3] {
    match damage {
        Damage::Everything => [80, 96, 20],
        Damage::None
        | Damage::Noise
        | Damage::Blur
        | Damage::Jpeg
        | Damage::QuarterTurns
        | Damage::Skew
        | Damage::Small
        | Damage::Shadow => [80, 98, 40],
    }
}

/// Prints a table by kind of damage and by format: `cargo test --release --test documents -- --ignored --nocapture
/// thousand`.
#[test]
#[ignore = "takes minutes"]
fn a_thousand_written_zones() {
    let threads = std::thread::available_parallelism().unwrap().get();
    let outcomes = measure(23, threads);
    eprintln!(
        "{} zones, {threads} at once\n{}",
        outcomes.len(),
        table(&outcomes)
    );
    assert!(outcomes.len() >= 1000);
    check(&outcomes);
}
