//! The coarse pass: which codes differ from the probe's in the fewest bits?
//!
//! A plain loop of exclusive-or and bit counting, compiled once for any processor and again for those that count bits
//! in wide registers; the choice is made at run time. It reads every code, so its cost follows the size of the
//! gallery and nothing else: a few milliseconds for a million faces.

use std::panic::resume_unwind;
use std::thread;

/// Codes lie in groups of this many, the first words of all of them first, then the second words, and so on: so one
/// wide register holds a word of each, and their distances add up side by side.
pub(super) const LANES: usize = 8;
/// One word of each code of a group. It lies within one line of a processor's cache.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [u64; LANES]);

/// What a probe has to do with the codes of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Distances {
    bits: [u64; LANES],
    /// One bit a lane, the first the lowest: set where the distance is at most what was asked for.
    near: u8,
}

/// Faces for which another thread is worth its start.
const FACES_PER_THREAD: usize = 250_000;
/// Groups whose distances are worked out together, before any of them is looked at.
const GROUPS: usize = 32;

/// The codes nearest to a probe's, as (distance in bits, position), in no order; of equal distances the earlier ones.
///
/// `groups` holds as many lines for each group as `probe` has words, the last group filled up. Positions that `wanted`
/// turns down are left out, and it turns down those of the filling; it is asked only about the few that come near
/// enough. Large galleries are shared out to as many threads as there are cores.
pub(super) fn nearest(
    groups: &[Line],
    probe: &[u64],
    count: usize,
    wanted: impl Fn(usize) -> bool + Sync,
) -> Vec<(u32, usize)> {
    if probe.is_empty() || count == 0 {
        return Vec::new();
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let group_count = groups.len() / probe.len();
    let threads = (group_count * LANES)
        .div_ceil(FACES_PER_THREAD)
        .clamp(1, cores);
    if threads == 1 {
        return nearest_from(0, groups, probe, count, &wanted).finish();
    }
    let share = group_count.div_ceil(threads);
    let parts = thread::scope(|scope| {
        let shares = groups.chunks(share * probe.len()).enumerate();
        let started: Vec<_> = shares
            .map(|(index, groups)| {
                let first = index * share * LANES;
                let wanted = &wanted;
                scope.spawn(move || nearest_from(first, groups, probe, count, wanted).finish())
            })
            .collect();
        let join = |part: thread::ScopedJoinHandle<'_, _>| {
            part.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        started.into_iter().map(join).collect::<Vec<_>>()
    });
    let mut best = Nearest::new(count);
    best.kept = parts.concat();
    best.finish()
}

/// The same over groups of which the first face has the position `first`.
fn nearest_from(
    first: usize,
    groups: &[Line],
    probe: &[u64],
    count: usize,
    wanted: &impl Fn(usize) -> bool,
) -> Nearest {
    let mut best = Nearest::new(count);
    let distances = kernel();
    let mut block = [Distances::default(); GROUPS];
    for (index, groups) in groups.chunks(probe.len() * GROUPS).enumerate() {
        let block = &mut block[..groups.len() / probe.len()];
        distances(groups, probe, best.furthest, block);
        best.offer(block, first + index * GROUPS * LANES, wanted);
    }
    best
}

/// Keeps the nearest `count` of all that it is offered, in a buffer that is cut back when it is full.
struct Nearest {
    count: usize,
    /// What is further away than this cannot be among the nearest any more.
    furthest: u64,
    kept: Vec<(u32, usize)>,
}

impl Nearest {
    fn new(count: usize) -> Self {
        Self {
            count,
            furthest: u64::MAX,
            kept: Vec::with_capacity(2 * count + GROUPS * LANES),
        }
    }

    fn offer(&mut self, block: &[Distances], first: usize, wanted: &impl Fn(usize) -> bool) {
        for (distances, first) in block.iter().zip((first..).step_by(LANES)) {
            // Nearly every group holds nothing near enough.
            let mut near = distances.near;
            while near != 0 {
                let lane = near.trailing_zeros() as usize;
                near &= near - 1;
                if wanted(first + lane) {
                    self.kept.push((distances.bits[lane] as u32, first + lane));
                }
            }
        }
        if self.kept.len() >= 2 * self.count {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.count {
            let (_, &mut (furthest, _), _) = self.kept.select_nth_unstable(self.count - 1);
            self.kept.truncate(self.count);
            // An equal distance further on comes too late.
            self.furthest = u64::from(furthest).saturating_sub(1);
        }
    }

    fn finish(mut self) -> Vec<(u32, usize)> {
        self.cut();
        self.kept
    }
}

/// Works out the distances of whole groups, and which of them are at most so many bits.
type Kernel = fn(&[Line], &[u64], u64, &mut [Distances]);

/// The fastest loop that this processor can run.
fn kernel() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
            return x86::avx512;
        }
        if is_x86_feature_detected!("avx2") {
            return x86::avx2;
        }
    }
    hamming
}

/// The loop for any processor.
fn hamming(groups: &[Line], probe: &[u64], furthest: u64, distances: &mut [Distances]) {
    for (group, distances) in groups.chunks_exact(probe.len()).zip(distances) {
        *distances = Distances::default();
        for (Line(words), probe) in group.iter().zip(probe) {
            for (distance, word) in distances.bits.iter_mut().zip(words) {
                *distance += u64::from((word ^ probe).count_ones());
            }
        }
        for (lane, distance) in distances.bits.iter().enumerate() {
            distances.near |= u8::from(*distance <= furthest) << lane;
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "a function for a processor's feature may be called only where the feature is, which `kernel` sees to; \
              loads and stores go through references to whole arrays"
)]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi8, _mm256_add_epi64, _mm256_and_si256, _mm256_castsi256_pd,
        _mm256_cmpgt_epi64, _mm256_loadu_si256, _mm256_movemask_pd, _mm256_sad_epu8,
        _mm256_set1_epi8, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256, _mm256_xor_si256,
        _mm512_add_epi64, _mm512_cmple_epu64_mask, _mm512_loadu_epi64, _mm512_popcnt_epi64,
        _mm512_set1_epi64, _mm512_setzero_si512, _mm512_storeu_epi64, _mm512_xor_si512,
    };

    use super::{Distances, Line};

    pub(super) fn avx512(
        groups: &[Line],
        probe: &[u64],
        furthest: u64,
        distances: &mut [Distances],
    ) {
        // SAFETY: `kernel` hands this function out only where both features were detected.
        unsafe { avx512_groups(groups, probe, furthest, distances) }
    }

    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    fn avx512_groups(groups: &[Line], probe: &[u64], furthest: u64, distances: &mut [Distances]) {
        for (group, distances) in groups.chunks_exact(probe.len()).zip(distances) {
            let mut sum = _mm512_setzero_si512();
            for (Line(words), probe) in group.iter().zip(probe) {
                // SAFETY: the array behind the pointer is as long as the register.
                let words = unsafe { _mm512_loadu_epi64(words.as_ptr().cast()) };
                let differing = _mm512_xor_si512(words, _mm512_set1_epi64(probe.cast_signed()));
                sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differing));
            }
            // SAFETY: as above.
            unsafe { _mm512_storeu_epi64(distances.bits.as_mut_ptr().cast(), sum) };
            let furthest = _mm512_set1_epi64(furthest.cast_signed());
            distances.near = _mm512_cmple_epu64_mask(sum, furthest);
        }
    }

    pub(super) fn avx2(groups: &[Line], probe: &[u64], furthest: u64, distances: &mut [Distances]) {
        // SAFETY: `kernel` hands this function out only where the feature was detected.
        unsafe { avx2_groups(groups, probe, furthest, distances) }
    }

    #[target_feature(enable = "avx2")]
    fn avx2_groups(groups: &[Line], probe: &[u64], furthest: u64, distances: &mut [Distances]) {
        for (group, distances) in groups.chunks_exact(probe.len()).zip(distances) {
            let mut sums = [_mm256_setzero_si256(); 2];
            for (Line(words), probe) in group.iter().zip(probe) {
                let probe = _mm256_set1_epi64x(probe.cast_signed());
                for (sum, half) in sums.iter_mut().zip(words.as_chunks::<4>().0) {
                    // SAFETY: the array behind the pointer is as long as the register.
                    let words = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
                    *sum = _mm256_add_epi64(*sum, count_bits(_mm256_xor_si256(words, probe)));
                }
            }
            // The comparison is of signed numbers.
            let furthest = _mm256_set1_epi64x(i64::try_from(furthest).unwrap_or(i64::MAX));
            distances.near = 0;
            let halves = distances.bits.as_chunks_mut::<4>().0;
            for (index, (sum, half)) in sums.iter().zip(halves).enumerate() {
                // SAFETY: as above.
                unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), *sum) };
                let further = _mm256_castsi256_pd(_mm256_cmpgt_epi64(*sum, furthest));
                let near = !_mm256_movemask_pd(further) & 0b1111;
                distances.near |= (near << (4 * index)) as u8;
            }
        }
    }

    /// The number of bits in each of four words: two table look-ups a byte, summed up.
    #[target_feature(enable = "avx2")]
    fn count_bits(words: __m256i) -> __m256i {
        let in_half_byte = _mm256_setr_epi8(
            0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2,
            3, 3, 4,
        );
        let low = _mm256_set1_epi8(0x0f);
        let lower = _mm256_shuffle_epi8(in_half_byte, _mm256_and_si256(words, low));
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(words), low);
        let upper = _mm256_shuffle_epi8(in_half_byte, upper);
        _mm256_sad_epu8(_mm256_add_epi8(lower, upper), _mm256_setzero_si256())
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    #[test]
    fn every_loop_counts_the_same_bits() {
        let mut rng = StdRng::seed_from_u64(4);
        for words in [1, 3, 8, 11] {
            let groups: Vec<Line> = (0..words * 5).map(|_| Line(rng.random())).collect();
            let probe: Vec<u64> = (0..words).map(|_| rng.random()).collect();
            for furthest in [0, 32 * words as u64, u64::MAX] {
                let run = |kernel: Kernel| {
                    let mut distances = [Distances::default(); 5];
                    kernel(&groups, &probe, furthest, &mut distances);
                    distances
                };
                let expected = run(hamming);
                assert_eq!(run(kernel()), expected, "{words} words");
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") {
                    assert_eq!(run(x86::avx2), expected, "{words} words");
                }
            }
        }
    }

    #[test]
    fn several_threads_find_what_one_finds() {
        let mut rng = StdRng::seed_from_u64(5);
        let faces = FACES_PER_THREAD + 77;
        let groups: Vec<Line> = (0..faces.div_ceil(LANES))
            .map(|_| Line(rng.random()))
            .collect();
        let probe = [rng.random()];
        let wanted = |position: usize| position < faces && !position.is_multiple_of(3);
        let sorted = |mut found: Vec<(u32, usize)>| {
            found.sort_unstable();
            found
        };
        let one = sorted(nearest_from(0, &groups, &probe, 300, &wanted).finish());
        assert_eq!(sorted(nearest(&groups, &probe, 300, wanted)), one);
        assert_eq!(one.len(), 300);
    }
}
