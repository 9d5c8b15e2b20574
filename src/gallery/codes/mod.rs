//! The codes of one gallery, as far as this process has taken it in.

use super::code::{self, SignedSums};
use super::pages::use_large_pages;
use super::scan::{self, LANES, Line};
use super::{CodedFace, FaceChange, Shortlist};
use crate::domain::face::Template;

/// How many times as many faces the first step of a pass picks as the second leaves, of a million faces or fewer. It grows
/// with the square root of their number beyond, since each costs a few reads from all over the memory.
const WIDER: f64 = 32.0;
/// Words of a code that the first step reads, of so many: five of the eight of a template of 512 values. A pass over millions
/// of codes takes as long as reading them from memory does. With four, and 32 times as many faces picked, two in a thousand
/// people were missed among ten million.
const COARSE_WORDS: (usize, usize) = (5, 8);
/// The time of a face that has no end.
const FOREVER: i64 = i64::MAX;
/// The time of a face that is gone.
const REMOVED: i64 = i64::MIN;

/// What is known of a face beside its code.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Its number in the gallery. Entries stand in its order.
    revision: i64,
    /// Milliseconds since 1970 from which on it is not found.
    until: i64,
}

/// The codes of a gallery up to one of its revisions: 96 bytes a face of 640 dimensions.
#[derive(Debug)]
pub struct Codes {
    /// Words of one code.
    words: usize,
    /// Lines of groups with the first words; see [`scan`].
    coarse: Vec<Line>,
    /// Lines of groups with the others.
    fine: Vec<Line>,
    entries: Vec<Entry>,
    removed: usize,
    /// Some face has an end, or had one.
    any_ends: bool,
    revision: i64,
}

impl Codes {
    /// No faces, at revision 0: everything is still to be taken in. `expected` is how many faces there will be.
    #[must_use]
    pub fn empty(dimensions: usize, expected: usize) -> Self {
        let words = code::words(dimensions);
        let groups = expected.div_ceil(LANES);
        let coarse_words = coarse_words(words);
        let mut coarse = Vec::with_capacity(groups * coarse_words);
        use_large_pages(&mut coarse);
        Self {
            words,
            coarse,
            fine: Vec::with_capacity(groups * (words - coarse_words)),
            entries: Vec::with_capacity(expected),
            removed: 0,
            any_ends: false,
            revision: 0,
        }
    }

    /// Bytes that the codes of so many faces take.
    #[must_use]
    pub fn bytes_of(dimensions: usize, faces: usize) -> usize {
        let lines = faces.div_ceil(LANES) * code::words(dimensions);
        lines * size_of::<Line>() + faces * size_of::<Entry>()
    }

    /// Everything up to this revision has been taken in.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Bytes of memory that the codes take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let lines = self.coarse.capacity() + self.fine.capacity();
        lines * size_of::<Line>() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Adds a face whose revision is above all before.
    pub fn add(&mut self, face: &CodedFace) {
        let position = self.entries.len();
        if position.is_multiple_of(LANES) {
            self.grow();
        }
        for (index, word) in code::of_bytes(&face.code).take(self.words).enumerate() {
            *self.word_mut(position, index) = word;
        }
        self.entries.push(Entry {
            revision: face.revision,
            until: FOREVER,
        });
        self.revision = self.revision.max(face.revision);
    }

    /// A group more, growing by a sixteenth where there is no room: doubling would hold twice the memory.
    fn grow(&mut self) {
        let (coarse, fine) = (self.coarse_words(), self.words - self.coarse_words());
        if self.coarse.capacity() < self.coarse.len() + coarse {
            let more = (self.entries.len() / LANES / 16).max(1);
            self.coarse.reserve_exact(more * coarse);
            use_large_pages(&mut self.coarse);
            self.fine.reserve_exact(more * fine);
            self.entries.reserve_exact(more * LANES);
        }
        self.coarse
            .resize(self.coarse.len() + coarse, Line::default());
        self.fine.resize(self.fine.len() + fine, Line::default());
    }

    /// Takes in what happened to a face. One that is not here was added and removed in between.
    pub fn change(&mut self, change: &FaceChange) {
        if let Some(position) = self.position(change.face_revision) {
            if change.removed {
                self.erase_at(position);
            } else {
                self.entries[position].until = change.valid_until_ms.unwrap_or(FOREVER);
                self.any_ends |= change.valid_until_ms.is_some();
            }
        }
        self.revision = self.revision.max(change.revision);
    }

    /// Takes the code of a face out, before the revision that tells of it has been taken in.
    pub fn erase(&mut self, face_revision: i64) {
        if let Some(position) = self.position(face_revision) {
            self.erase_at(position);
        }
    }

    /// Where a face is that has not gone.
    fn position(&self, face_revision: i64) -> Option<usize> {
        let found = self
            .entries
            .binary_search_by_key(&face_revision, |e| e.revision);
        let is_here = |position: &usize| self.entries[*position].until != REMOVED;
        found.ok().filter(is_here)
    }

    fn erase_at(&mut self, position: usize) {
        self.entries[position].until = REMOVED;
        self.removed += 1;
        self.blank(position);
    }

    /// Leaves nothing of a code.
    fn blank(&mut self, position: usize) {
        for index in 0..self.words {
            *self.word_mut(position, index) = 0;
        }
    }

    /// Says that there was nothing more up to a revision.
    pub fn reach(&mut self, revision: i64) {
        self.revision = self.revision.max(revision);
        if self.removed * 8 > self.entries.len() {
            self.compact();
        }
    }

    /// Closes the gaps that removed faces left.
    fn compact(&mut self) {
        let mut next = 0;
        for position in 0..self.entries.len() {
            if self.entries[position].until == REMOVED {
                continue;
            }
            for index in 0..self.words {
                *self.word_mut(next, index) = self.word(position, index);
            }
            self.entries[next] = self.entries[position];
            next += 1;
        }
        // What is cut off stays in memory until other faces need the room.
        for position in next..self.entries.len() {
            self.blank(position);
        }
        self.entries.truncate(next);
        let groups = next.div_ceil(LANES);
        self.coarse.truncate(groups * self.coarse_words());
        self.fine
            .truncate(groups * (self.words - self.coarse_words()));
        self.removed = 0;
    }

    /// A word of the code at a position.
    fn word(&self, position: usize, index: usize) -> u64 {
        let (group, coarse) = (position / LANES, self.coarse_words());
        let line = match index.checked_sub(coarse) {
            None => self.coarse[group * coarse + index],
            Some(index) => self.fine[group * (self.words - coarse) + index],
        };
        line.0[position % LANES]
    }

    fn word_mut(&mut self, position: usize, index: usize) -> &mut u64 {
        let (group, coarse) = (position / LANES, self.coarse_words());
        let line = match index.checked_sub(coarse) {
            None => &mut self.coarse[group * coarse + index],
            Some(index) => &mut self.fine[group * (self.words - coarse) + index],
        };
        &mut line.0[position % LANES]
    }

    fn wider(&self) -> usize {
        let millions = self.entries.len() as f64 / 1e6;
        (WIDER * millions.sqrt().max(1.0)) as usize
    }

    fn coarse_words(&self) -> usize {
        coarse_words(self.words)
    }

    /// Faces that are here, those included whose time has ended.
    #[must_use]
    pub fn faces(&self) -> usize {
        self.entries.len() - self.removed
    }

    /// Faces whose time has ended.
    fn expired(&self, now_ms: i64) -> u64 {
        if !self.any_ends {
            return 0;
        }
        let expired = |entry: &&Entry| entry.until <= now_ms && entry.until != REMOVED;
        self.entries.iter().filter(expired).count() as u64
    }

    /// The faces that come nearest to a probe by their codes, among those whose time has not ended.
    ///
    /// In two steps: the fewest differing bits in the first words pick many times as many as are wanted, and of these the largest
    /// sum of the probe's values, each with the sign that the face's code gives it, picks the rest. The second
    /// knows how sure each sign of the probe is, so it needs several times fewer faces for the same recall.
    #[must_use]
    pub fn shortlist(&self, probe: &Template, count: usize, now_ms: i64) -> Shortlist {
        let code = code::of_values(probe.values());
        // The last group's filling has no entry.
        let wanted = |position: usize| self.entries.get(position).is_some_and(|e| e.until > now_ms);
        let nearest = if code.len() == self.words {
            let coarse = &code[..self.coarse_words()];
            scan::nearest(&self.coarse, coarse, self.wider() * count, wanted)
        } else {
            Vec::new()
        };
        Shortlist {
            revision: self.revision,
            expired: self.expired(now_ms),
            faces: self.most_alike(probe, nearest, count),
        }
    }

    /// The revisions of the faces whose signs agree best with the probe's values.
    fn most_alike(&self, probe: &Template, nearest: Vec<(u32, usize)>, count: usize) -> Vec<i64> {
        let mut positions: Vec<usize> = nearest.into_iter().map(|(_, position)| position).collect();
        if positions.len() > count {
            let sums = SignedSums::of(probe.values());
            let mut rated: Vec<(f32, usize)> = positions
                .iter()
                .map(|&position| (sums.sum(self.code(position)), position))
                .collect();
            rated.select_nth_unstable_by(count, |a, b| b.0.total_cmp(&a.0));
            rated.truncate(count);
            positions = rated.into_iter().map(|(_, position)| position).collect();
        }
        positions
            .into_iter()
            .map(|position| self.entries[position].revision)
            .collect()
    }

    fn code(&self, position: usize) -> impl Iterator<Item = u64> {
        (0..self.words).map(move |index| self.word(position, index))
    }
}

/// [`COARSE_WORDS`] of codes of so many words.
const fn coarse_words(words: usize) -> usize {
    (words * COARSE_WORDS.0).div_ceil(COARSE_WORDS.1)
}

#[cfg(test)]
mod tests;
