#!/usr/bin/env python3
"""Writes sface.json: what OpenCV's own interpreter answers of a picture that a formula gives.

    pip install opencv-python-headless numpy
    tests/vision/sface.py models/sface.onnx > tests/vision/sface.json

The service turns the network's weights into floats and runs it on ONNX Runtime; a test compares its answers with these.
"""

import sys

import cv2
import numpy as np

from mobile_face_net import picture


def main():
    network = cv2.dnn.readNetFromONNX(sys.argv[1])
    face = picture()
    answers = []
    for image in (face, face[:, ::-1]):
        network.setInput(image.astype(np.float32).transpose(2, 0, 1)[None].copy(), "data")
        answers.append(network.forward()[0])
    rows = [", ".join(f"{value:.6f}" for value in row) for row in np.stack(answers).tolist()]
    print("[\n [" + "],\n [".join(rows) + "]\n]")


if __name__ == "__main__":
    main()
