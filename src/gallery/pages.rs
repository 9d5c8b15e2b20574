//! Large pages for memory that is read from end to end in every search: looking up where small ones lie takes a fifth of the
//! time of a pass over millions of codes.

use super::scan::Line;

/// Asks the system to back all of a vector's room with large pages. It is free not to, and nothing else changes.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "advice about the vector's own room, which changes neither what is in it nor whose it is"
)]
pub(super) fn use_large_pages(lines: &mut Vec<Line>) {
    use std::ptr::NonNull;

    use nix::sys::mman::{MmapAdvise, madvise};

    /// The system takes whole pages; those at the ends are shared with others.
    const PAGE: usize = 4096;

    let room = lines.spare_capacity_mut().as_mut_ptr().cast::<u8>();
    let bytes = (lines.capacity() - lines.len()) * size_of::<Line>();
    let skipped = room.align_offset(PAGE);
    let Some(length) = bytes.checked_sub(skipped).map(|rest| rest / PAGE * PAGE) else {
        return;
    };
    let Some(start) = NonNull::new(room.wrapping_add(skipped)) else {
        return;
    };
    if length > 0 {
        // SAFETY: the range lies within memory that the vector has and that nothing else refers to, and this advice
        // keeps its content. Advice that is refused leaves everything as it was.
        let _refused = unsafe { madvise(start.cast(), length, MmapAdvise::MADV_HUGEPAGE) };
    }
}

/// Other systems decide by themselves.
#[cfg(not(target_os = "linux"))]
pub(super) fn use_large_pages(_lines: &mut Vec<Line>) {}
