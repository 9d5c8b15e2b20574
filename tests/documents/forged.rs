//! How often the cues of a zone's print notice what was put in, and how often they notice something where nothing was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Writes, spoils and reads zones: of each format, with each kind of damage, genuine and with each forgery.
fn measure(rounds: u64, threads: usize) -> Vec<Outcome> {
    let font = Font::load();
    let kinds = || [None].into_iter().chain(Forgery::ALL.map(Some));
    let mut cases = Vec::new();
    for (round, forgery) in (0..rounds).flat_map(|round| kinds().map(move |kind| (round, kind))) {
        for damage in Damage::ALL {
            cases.extend(Format::ALL.map(|format| (round, forgery, damage, format)));
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

fn table(outcomes: &[Outcome]) -> String {
    let mut groups: BTreeMap<String, Vec<Print>> = BTreeMap::new();
    for outcome in outcomes {
        let name = format!("{:?} {:?}", outcome.forgery, outcome.damage);
        let all = format!("{:?}", outcome.forgery);
        for name in [name, all] {
            groups.entry(name).or_default().extend(outcome.print);
        }
    }
    let mut text = String::new();
    for (name, prints) in groups {
        write!(text, "{name:36} {:4}", prints.len()).unwrap();
        let measures: [fn(&Print) -> f32; 3] = [
            |print| print.fit,
            |print| print.misfit,
            |print| print.offset,
        ];
        for measure in measures {
            let mut values: Vec<f32> = prints.iter().map(measure).collect();
            values.sort_by(f32::total_cmp);
            for share in [0.01, 0.1, 0.5, 0.9, 0.99] {
                let at = ((values.len() as f64 * share) as usize).min(values.len() - 1);
                write!(text, " {:.3}", values[at]).unwrap();
            }
            text.push_str("  ");
        }
        text.push('\n');
    }
    text
}

#[test]
#[ignore = "takes minutes"]
fn forged_zones() {
    let threads = std::thread::available_parallelism().unwrap().get();
    let rounds = std::env::var("ROUNDS").map_or(23, |rounds| rounds.parse().unwrap());
    eprintln!("{}", table(&measure(rounds, threads)));
}

#[test]
#[ignore = "needs a folder of documents"]
fn prints_of_a_folder() {
    let folder = std::path::PathBuf::from(std::env::var_os("SPECIMENS").unwrap());
    let mut reader = readers(1).remove(0);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let Ok(image) = image::open(&path) else {
            continue;
        };
        let zone = reader.read(&image.into_rgb8()).unwrap();
        eprintln!(
            "{:?} {:?}",
            path.file_name(),
            zone.and_then(|zone| zone.print)
        );
    }
}
