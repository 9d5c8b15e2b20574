"""What an engineer would write in an afternoon: FastAPI, ONNX Runtime as it comes, Pillow, and the very models that Likeness uses.

`POST /verify` with the files `selfie` and `document` finds the largest face of each, compares them, and judges whether the selfie
is live. There is no document reading, watchlist, record or token. LIKENESS_ASSETS says where the models are.
"""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException, UploadFile
from PIL import Image, ImageOps

MODELS = Path(os.environ["LIKENESS_ASSETS"]) / "models"
# Where ArcFace wants the eyes, the nose and the corners of the mouth.
UPRIGHT = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


def load(name):
    return onnxruntime.InferenceSession(str(MODELS / f"fr_{name}.onnx"), providers=["CPUExecutionProvider"])


detect, landmark, feature, liveness = (load(name) for name in ("detect", "landmark", "feature", "liveness"))
app = FastAPI()


def run(session, tensor):
    return session.run(None, {session.get_inputs()[0].name: tensor.astype(np.float32)})


def planes(picture):
    return np.asarray(picture, np.float32).transpose(2, 0, 1)[None]


def largest_face(picture):
    frame = ImageOps.pad(picture, (320, 240), color=(127, 127, 127))
    outputs = run(detect, (planes(frame) - 127) / 128)
    scores, boxes = sorted(outputs, key=lambda output: output.shape[-1])
    found = boxes[0][scores[0][:, 1] > 0.8]
    if not len(found):
        return None
    left, top, right, bottom = max(found, key=lambda box: (box[2] - box[0]) * (box[3] - box[1])) * [320, 240, 320, 240]
    scale = min(320 / picture.width, 240 / picture.height)
    across, down = (320 - picture.width * scale) / 2, (240 - picture.height * scale) / 2
    return np.array([left - across, top - down, right - across, bottom - down]) / scale


def five_points(picture, box):
    grey = np.asarray(picture.crop(tuple(box.astype(int))).convert("L").resize((64, 64)), np.float32) / 256
    points = run(landmark, grey[None, None])[0].reshape(-1, 2) * (box[2:] - box[:2]) + box[:2]
    groups = ([36, 39], [42, 45], [30], [48, 60], [54, 64])
    return np.array([points[group].mean(axis=0) for group in groups])


def upright(picture, points):
    rows = [row for x, y in points for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    a, b, x, y = np.linalg.lstsq(np.array(rows), UPRIGHT.reshape(-1), rcond=None)[0]
    back = np.linalg.inv([[a, -b, x], [b, a, y], [0, 0, 1]])
    return picture.transform((112, 112), Image.Transform.AFFINE, back[:2].reshape(-1), Image.Resampling.BILINEAR)


def analyse(file, judge):
    picture = ImageOps.exif_transpose(Image.open(file.file)).convert("RGB")
    box = largest_face(picture)
    if box is None:
        raise HTTPException(422, "no face")
    aligned = planes(upright(picture, five_points(picture, box)))[:, ::-1]
    template = run(feature, (aligned - 127) / 128)[0][0]
    live = None
    if judge:
        centre, half = (box[:2] + box[2:]) / 2, 1.35 * (box[2:] - box[:2])
        crop = picture.crop(tuple(np.concatenate([centre - half, centre + half]).astype(int))).resize((128, 128))
        classes = run(liveness, planes(crop)[:, ::-1])[0][0]
        live = float(np.exp(classes[0] - classes.max()) / np.exp(classes - classes.max()).sum())
    return template / np.linalg.norm(template), live


@app.post("/verify")
def verify(selfie: UploadFile, document: UploadFile):
    (probe, live), (reference, _) = analyse(selfie, True), analyse(document, False)
    return {"similarity": float(probe @ reference), "liveness": live}
