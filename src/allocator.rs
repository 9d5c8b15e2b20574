//! How the C library keeps the memory that models and pictures give back.

/// Has what is given back go back to the system, instead of being kept for each thread. To be called before there are other
/// threads.
///
/// With an arena for each, as the GNU C library has it, every thread that runs models keeps what its largest picture took.
/// And as it goes on, the library allocates ever larger blocks in the arenas, from which they return only when nothing
/// behind them is in use. So there is one arena, and large blocks come from the system and return to it: half the memory
/// under load, which stays the same from then on. Blocks of a few megabytes are not large: each layer of a model takes
/// some, and to get them from the system anew each time costs an eighth of the throughput.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "calls to the C library that take two numbers and have no safe wrapper"
)]
pub fn keep_little() {
    /// Bytes of a block that counts as large.
    const LARGE: libc::c_int = 8 << 20;
    /// Bytes at the end of the arena that are kept.
    const KEPT: libc::c_int = 32 << 20;

    let options = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, LARGE),
        (libc::M_TRIM_THRESHOLD, KEPT),
    ];
    for (option, value) in options {
        // SAFETY: nobody else is in the allocator yet. Refused, it changes nothing.
        unsafe {
            libc::mallopt(option, value);
        }
    }
}

/// Has what was given back between what is in use go back to the system now. Loading models leaves much of it, and it takes
/// some milliseconds: it is for once in a while.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "a call to the C library that takes a number and has no safe wrapper"
)]
pub fn give_back() {
    // SAFETY: it locks the allocator like any of its calls, and touches nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other libraries are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_little() {}

/// Other libraries are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
