//! How the C library keeps the memory that models give back.

/// Has all threads allocate from one arena. With one for each, as the GNU C library has it, every thread that runs models
/// keeps what its largest picture took for itself alone: a third of the service's memory. To be called before there are
/// other threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "a call to the C library that takes two numbers and has no safe wrapper"
)]
pub fn share_one_arena() {
    // SAFETY: nobody else is in the allocator yet. Refused, it changes nothing.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Other libraries have no arenas to share.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_one_arena() {}
