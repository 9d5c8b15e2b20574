//! The order of what is asked for.

use super::Action;

/// Fewest steps of a session.
pub const MIN_STEPS: usize = 2;
/// Most steps of a session.
pub const MAX_STEPS: usize = 5;
/// Steps where nobody chose.
pub const DEFAULT_STEPS: usize = 3;

/// Draws so many steps, each sequence that is allowed as likely as any other: no action comes twice in a row, and both a
/// turn of the head and something else are asked for. `below` gives a number below another and has to be unpredictable.
///
/// # Panics
/// Where the number of steps is out of bounds.
pub fn draw(steps: usize, mut below: impl FnMut(usize) -> usize) -> Vec<Action> {
    assert!((MIN_STEPS..=MAX_STEPS).contains(&steps));
    loop {
        let drawn: Vec<Action> = (0..steps)
            .map(|_| Action::ALL[below(Action::ALL.len())])
            .collect();
        if is_allowed(&drawn) {
            return drawn;
        }
    }
}

fn is_allowed(steps: &[Action]) -> bool {
    steps.windows(2).all(|pair| pair[0] != pair[1])
        && steps.iter().any(|action| action.is_turn())
        && steps.iter().any(|action| !action.is_turn())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    #[test]
    fn sequences_are_allowed_ones_and_all_of_these_are_as_likely() {
        let mut rng = StdRng::seed_from_u64(7);
        for (steps, sequences) in [(2, 12), (3, 66)] {
            let mut counts: HashMap<Vec<&str>, u32> = HashMap::new();
            for _ in 0..100 * sequences {
                let drawn = draw(steps, |most| rng.random_range(0..most));
                assert!(drawn.len() == steps && is_allowed(&drawn), "{drawn:?}");
                let names = drawn.iter().map(|action| match action {
                    Action::TurnLeft => "l",
                    Action::TurnRight => "r",
                    Action::LookUp => "u",
                    Action::ComeCloser => "c",
                    Action::CloseEyes => "e",
                });
                *counts.entry(names.collect()).or_default() += 1;
            }
            assert_eq!(counts.len(), sequences, "{steps} steps");
            assert!(
                counts.values().all(|count| (50..=160).contains(count)),
                "{counts:?}"
            );
        }
    }
}
