//! Spreading independent pieces of work over threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Does pieces `0..count` on `jobs` threads, each with a state of its own, and gives the results in order.
///
/// The first error ends the work: pieces that were begun are finished, the rest is left.
pub(super) fn map<S, T, E>(
    count: usize,
    jobs: usize,
    prepare: impl Fn() -> Result<S, E> + Sync,
    work: impl Fn(&mut S, usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E>
where
    T: Send,
    E: Send,
{
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let run = || {
        let mut done = Vec::new();
        let mut state = prepare()?;
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            done.push((index, work(&mut state, index)?));
        }
        Ok(done)
    };
    let stop_on_failure = || {
        let result = run();
        failed.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    };
    let parts = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1))
            .map(|_| scope.spawn(stop_on_failure))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect::<Result<Vec<_>, E>>()
    })?;
    let mut results: Vec<(usize, T)> = parts.into_iter().flatten().collect();
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whoever_made_them() {
        let squares = map(1000, 3, || Ok::<_, ()>(()), |(), index| Ok(index * index));
        let expected: Vec<usize> = (0..1000).map(|index| index * index).collect();
        assert_eq!(squares, Ok(expected));
    }

    #[test]
    fn an_error_is_handed_on() {
        let work = |(): &mut (), index| if index == 7 { Err("seven") } else { Ok(index) };
        assert_eq!(map(100, 2, || Ok(()), work), Err("seven"));
        let unprepared = map(100, 2, || Err::<(), _>("no model"), work);
        assert_eq!(unprepared, Err("no model"));
    }
}
