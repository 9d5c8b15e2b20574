//! Templates and pictures are in memory while they are used, and would be in a core dump.

use nix::sys::resource::{Resource, setrlimit};

/// Keeps a crash of this process, or of the database that it starts, from writing their memory to a disk.
pub(super) fn forbid() {
    if let Err(error) = setrlimit(Resource::RLIMIT_CORE, 0, 0) {
        tracing::warn!(%error, "a crash may write personal data to a core dump");
    }
    // A dump that is piped to a program has no limit of size.
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        tracing::warn!(%error, "a crash may hand personal data to a program for core dumps");
    }
}
