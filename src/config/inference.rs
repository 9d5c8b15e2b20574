//! The settings of what models run on.

use super::Inference;
use super::reader::Reader;
use crate::vision::Device;

pub(super) fn inference(reader: &mut Reader<'_>) -> Inference {
    Inference {
        device: device(reader),
        runtime_library: reader.path("LIKENESS_RUNTIME_LIBRARY"),
    }
}

fn device(reader: &mut Reader<'_>) -> Device {
    let text = reader.text("LIKENESS_DEVICE");
    let known = [Device::Cpu, Device::Cuda];
    let named = known.into_iter().find(|device| device.name() == text);
    named.unwrap_or_else(|| {
        reader.fault(
            "LIKENESS_DEVICE",
            &format!("is {text:?}, has to be cpu or cuda"),
        );
        Device::Cpu
    })
}
