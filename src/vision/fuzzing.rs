//! What the fuzz targets in `fuzz/` reach of the readers of models. Not part of the service.

/// Converts a TensorFlow Lite network, or refuses it; what is converted is read as an ONNX model.
pub fn tflite(file: &[u8]) {
    if let Ok(mut model) = super::tflite::to_onnx(file) {
        super::graph::clear_tiny_weights(&mut model);
        let _ = super::graph::without_prelu(&model);
    }
}
