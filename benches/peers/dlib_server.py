"""The most used open library, behind as little as it takes: `face_recognition` 1.3.0 on dlib, in Flask.

`POST /verify` with the files `selfie` and `document` tells how far apart the two largest faces are. dlib's distance is turned
into a similarity, so that more is more alike as with the others.
"""

import face_recognition
import numpy as np
from flask import Flask, jsonify, request

app = Flask(__name__)


def template(file):
    picture = face_recognition.load_image_file(file)
    boxes = face_recognition.face_locations(picture)
    if not boxes:
        return None
    largest = max(boxes, key=lambda box: (box[2] - box[0]) * (box[1] - box[3]))
    return face_recognition.face_encodings(picture, [largest])[0]


@app.post("/verify")
def verify():
    selfie, document = template(request.files["selfie"]), template(request.files["document"])
    if selfie is None or document is None:
        return jsonify(error="no face"), 422
    return jsonify(similarity=1.0 - float(np.linalg.norm(selfie - document)))
