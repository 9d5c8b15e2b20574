//! What is taken in, taken away and found.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

const NOW: i64 = 1_000;

fn random(rng: &mut StdRng) -> Template {
    let values = (0..512).map(|_| rng.random_range(-1.0..1.0)).collect();
    Template::normalised("m", values).unwrap()
}

fn bytes(template: &Template) -> Vec<u8> {
    let words = code::of_values(template.values());
    words.into_iter().flat_map(u64::to_be_bytes).collect()
}

fn filled(templates: &[Template]) -> Codes {
    let mut codes = Codes::empty(512, 0);
    for (revision, template) in (1..).zip(templates) {
        codes.add(&CodedFace {
            revision,
            code: bytes(template),
        });
    }
    codes
}

fn change(revision: i64, face_revision: i64, removed: bool, until: Option<i64>) -> FaceChange {
    FaceChange {
        revision,
        face_revision,
        removed,
        valid_until_ms: until,
    }
}

/// The revisions of all that are wanted, the nearest first, worked out value by value.
fn expected(templates: &[Template], probe: &Template, wanted: impl Fn(i64) -> bool) -> Vec<i64> {
    let signed = |template: &Template| -> f32 {
        let pairs = template.values().iter().zip(probe.values());
        pairs
            .map(|(sign, value)| {
                value.abs()
                    * if (*sign > 0.0) == (*value > 0.0) {
                        1.0
                    } else {
                        -1.0
                    }
            })
            .sum()
    };
    let mut all: Vec<(f32, i64)> = templates.iter().map(signed).zip(1..).collect();
    all.retain(|(_, revision)| wanted(*revision));
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().map(|(_, revision)| revision).collect()
}

fn check(codes: &Codes, expected: &[i64], probe: &Template, count: usize) {
    let mut got = codes.shortlist(probe, count, NOW).faces;
    let mut wanted = expected[..count.min(expected.len())].to_vec();
    got.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(got, wanted);
}

#[test]
fn the_shortlist_holds_those_whose_signs_agree_best() {
    let mut rng = StdRng::seed_from_u64(1);
    let templates: Vec<Template> = (0..5_003).map(|_| random(&mut rng)).collect();
    let codes = filled(&templates);
    assert_eq!(codes.revision(), 5_003);
    // So many that the first step leaves nobody out.
    for count in [400, 2_000, 6_000] {
        let probe = random(&mut rng);
        check(
            &codes,
            &expected(&templates, &probe, |_| true),
            &probe,
            count,
        );
    }
    assert_eq!(codes.shortlist(&templates[4_711], 1, NOW).faces, [4_712]);
}

#[test]
fn the_removed_and_the_expired_are_left_out_before_and_after_the_gaps_are_closed() {
    let mut rng = StdRng::seed_from_u64(2);
    let templates: Vec<Template> = (0..300).map(|_| random(&mut rng)).collect();
    let mut codes = filled(&templates);
    let probe = random(&mut rng);
    codes.change(&change(301, 5, false, Some(NOW)));
    codes.change(&change(302, 6, false, Some(NOW + 1)));
    for revision in 0..30 {
        codes.change(&change(303 + revision, revision * 10 + 1, true, None));
    }
    let wanted = |revision: i64| revision != 5 && revision % 10 != 1;
    let expected = expected(&templates, &probe, wanted);
    check(&codes, &expected, &probe, 40);
    assert_eq!(codes.shortlist(&probe, 1, NOW).expired, 1);
    let before = codes.entries.len();
    codes.change(&change(340, 2, true, None));
    codes.change(&change(341, 2, true, None));
    codes.change(&change(342, 12, true, None));
    for revision in 0..10 {
        codes.change(&change(350 + revision, revision * 10 + 3, true, None));
    }
    codes.reach(400);
    assert_eq!(
        (before, codes.entries.len(), codes.revision()),
        (300, 258, 400)
    );
    let gone = |revision: i64| matches!(revision, 2 | 12) || (revision % 10 == 3 && revision < 100);
    let left: Vec<_> = expected.into_iter().filter(|r| !gone(*r)).collect();
    check(&codes, &left, &probe, 258);
    codes.add(&CodedFace {
        revision: 401,
        code: bytes(&probe),
    });
    assert_eq!(codes.shortlist(&probe, 1, NOW).faces, [401]);
}

#[test]
fn of_many_strangers_the_shortlist_keeps_who_is_meant() {
    let mut rng = StdRng::seed_from_u64(5);
    let templates: Vec<Template> = (0..20_000).map(|_| random(&mut rng)).collect();
    let codes = filled(&templates);
    for meant in (0..20_000).step_by(397) {
        let noise = random(&mut rng);
        let pairs = templates[meant].values().iter().zip(noise.values());
        let probe = pairs
            .map(|(face, noise)| 0.5 * face + 0.8 * noise)
            .collect();
        let probe = Template::normalised("m", probe).unwrap();
        let shortlist = codes.shortlist(&probe, 20, NOW);
        assert!(shortlist.faces.contains(&(meant as i64 + 1)), "{meant}");
    }
}

#[test]
fn of_a_face_that_is_gone_not_a_bit_is_left() {
    let mut rng = StdRng::seed_from_u64(4);
    let templates: Vec<Template> = (0..100).map(|_| random(&mut rng)).collect();
    let (mut codes, mut others) = (filled(&templates), filled(&templates[..0]));
    for (revision, template) in (1..).zip(&templates) {
        if revision != 7 && revision != 40 {
            let code = bytes(template);
            others.add(&CodedFace { revision, code });
        }
    }
    codes.erase(7);
    codes.change(&change(101, 40, true, None));
    for position in [6, 39] {
        assert!(codes.code(position).all(|word| word == 0), "{position}");
    }
    // What the erasure went ahead of is taken in, and counted once.
    codes.change(&change(102, 7, true, None));
    codes.erase(7);
    assert_eq!((codes.faces(), codes.revision()), (98, 102));
    let probe = random(&mut rng);
    let sorted = |codes: &Codes| {
        let mut faces = codes.shortlist(&probe, 98, NOW).faces;
        faces.sort_unstable();
        faces
    };
    assert_eq!(sorted(&codes), sorted(&others));
    // Nor where gaps are closed, in the room that is left over.
    (1..=12).for_each(|face| codes.erase(face));
    let lines = codes.coarse.len();
    codes.reach(200);
    assert_eq!(codes.entries.len(), 87);
    let filling = codes.entries.len()..codes.coarse.len() / codes.coarse_words() * LANES;
    assert!(lines > codes.coarse.len() && filling.len() < LANES);
    for position in filling {
        assert!(codes.code(position).all(|word| word == 0), "{position}");
    }
}

#[test]
fn a_face_that_came_and_went_unseen_changes_nothing() {
    let mut codes = Codes::empty(512, 0);
    codes.change(&change(2, 1, true, None));
    assert_eq!((codes.revision(), codes.entries.len()), (2, 0));
}

#[test]
fn a_hundred_bytes_a_face_are_enough() {
    let mut rng = StdRng::seed_from_u64(3);
    let codes = filled(&(0..20_000).map(|_| random(&mut rng)).collect::<Vec<_>>());
    assert!(codes.bytes() <= 20_000 * 88, "{}", codes.bytes());
    for faces in [1, 20_000, 100_001] {
        let room = Codes::empty(512, faces).bytes();
        assert_eq!(Codes::bytes_of(512, faces), room);
    }
}
