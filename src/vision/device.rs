//! The device that models run on.
//!
//! It is one for the whole process. A graphics processor is asked for by configuration; where it cannot be had, models run
//! on the CPU, and the log says so once and why. That shows at one of two moments: the runtime's library was built without
//! the provider, or the first session cannot be made with it, because a library of CUDA, the driver or the device is not
//! there.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use ort::ep::cuda::ConvAlgorithmSearch;
use ort::ep::{CUDA, ExecutionProvider as _, ExecutionProviderDispatch};

/// What models run on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A graphics processor, through CUDA.
    Cuda,
}

impl Device {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

impl FromStr for Device {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let known = [Self::Cpu, Self::Cuda];
        known
            .into_iter()
            .find(|device| device.name() == name)
            .ok_or(())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The device as it is now; the CPU until something else is asked for.
#[derive(Debug, Default)]
pub(super) struct Choice {
    cuda: AtomicBool,
}

impl Choice {
    /// Asks for a device. The runtime's library has to be loaded.
    pub(super) fn ask_for(&self, device: Device) {
        if device == Device::Cpu {
            return;
        }
        let lacking = match CUDA::is_available() {
            Ok(true) => None,
            Ok(false) => Some("the runtime's library was built without CUDA".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        self.cuda.store(true, Ordering::Relaxed);
        if let Some(reason) = lacking {
            self.give_up(&reason);
        }
    }

    pub(super) fn device(&self) -> Device {
        if self.cuda.load(Ordering::Relaxed) {
            Device::Cuda
        } else {
            Device::Cpu
        }
    }

    /// Goes back to the CPU. Several sessions may be made side by side, and all of them fail: the first one tells.
    pub(super) fn give_up(&self, reason: &str) {
        if self.cuda.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                reason,
                "models cannot run on the graphics processor and run on the CPU instead"
            );
        }
    }
}

/// CUDA as sessions want it: documents come in every size, and a thorough search for the fastest convolution would begin
/// anew with each.
pub(super) fn cuda() -> ExecutionProviderDispatch {
    CUDA::default()
        .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic)
        .build()
        .error_on_failure()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_was_given_up_is_not_tried_again() {
        let choice = Choice::default();
        assert_eq!(choice.device(), Device::Cpu);
        choice.cuda.store(true, Ordering::Relaxed);
        assert_eq!(choice.device(), Device::Cuda);
        choice.give_up("there is none");
        assert_eq!(choice.device(), Device::Cpu);
    }
}
