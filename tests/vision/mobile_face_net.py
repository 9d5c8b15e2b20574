#!/usr/bin/env python3
"""Writes mobile_face_net.json: what TensorFlow Lite's own interpreter answers of a picture that a formula gives.

    pip install ai-edge-litert numpy
    tests/vision/mobile_face_net.py models/mobile_face_net.tflite > tests/vision/mobile_face_net.json

The service converts the network and runs it on ONNX Runtime; a test compares its answers with these.
"""

import sys

import numpy as np

SIDE = 112


def picture():
    """The picture of the test, red, green and blue; any formula does that fills the range."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    channels = [(x * (7 + 4 * c) + y * (13 - 3 * c) + x * y // (5 + c) + 61 * c) % 256 for c in range(3)]
    return np.stack(channels, axis=-1)


def main():
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(sys.argv[1], num_threads=1)
    interpreter.allocate_tensors()
    face = picture()
    both = (np.stack([face, face[:, ::-1]]).astype(np.float32) - 127.5) / 128
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], both)
    interpreter.invoke()
    answers = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    rows = [", ".join(f"{value:.6f}" for value in row) for row in answers.tolist()]
    print("[\n [" + "],\n [".join(rows) + "]\n]")


if __name__ == "__main__":
    main()
