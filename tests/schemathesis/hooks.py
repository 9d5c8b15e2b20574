"""What a schema cannot say: pictures that show faces, archives, lines of JSON, and fields that depend on each other."""

import base64
import io
import json
import os
import pathlib
import zipfile
import zlib

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.transport.requests import multipart_serializer
from schemathesis.transport.serialization import Binary

FIXTURES = pathlib.Path(os.environ["FIXTURES"])
PICTURES = [(FIXTURES / f"{name}.jpg").read_bytes() for name in ("obama", "biden", "document_obama", "two_faces", "no_face")]
PICTURE_FIELDS = ("image", "selfie", "document", "document_back", "source", "target")


def archive():
    """One picture of one person, since an archive of random bytes is none."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("somebody.jpg", PICTURES[0])
    return buffer.getvalue()


# What stands in a generated form for bytes that are put in when it is sent, since bytes in it would count as invalid.
NAMED = {f"picture {number}": picture for number, picture in enumerate(PICTURES)} | {"archive": archive()}


@schemathesis.serializer("multipart/form-data")
def form(context, value):
    """A form with the bytes that are named in it."""
    if isinstance(value, dict):
        value = {name: with_bytes(item) for name, item in value.items()}
    return multipart_serializer(context, value)


def with_bytes(value):
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    return Binary(NAMED[value]) if isinstance(value, str) and value in NAMED else value


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """A body is one line of an import."""
    if isinstance(value, bytes):
        return {"data": value}
    if isinstance(value, dict) and "image" in value and not is_wrong(context.case):
        value = value | {"image": with_picture(value["image"], as_text=True)}
    return {"data": json.dumps(value).encode() + b"\n"}


@schemathesis.deserializer("application/x-ndjson")
def rows(context, response):
    """Every line is an object of the schema; one stands for all."""
    return json.loads(response.content.splitlines()[-1])


def with_picture(value, as_text):
    """A picture in place of two texts of three; the others stay, since broken pictures have to be refused well."""
    if isinstance(value, list):
        return [with_picture(item, as_text) for item in value]
    if not isinstance(value, (str, bytes)):
        return value
    if isinstance(value, Binary):
        raw = value.data
    elif isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
    else:
        raw = value
    choice = zlib.crc32(raw) % (2 * len(PICTURES))
    if choice >= len(PICTURES) and raw:
        if as_text:
            # Bytes in JSON would be sent as an empty text, and count as none.
            return base64.b64encode(raw).decode() if isinstance(value, (bytes, Binary)) else value
        name = f"bytes {zlib.crc32(raw)}"
        NAMED[name] = raw
        return name
    number = choice % len(PICTURES)
    return base64.b64encode(PICTURES[number]).decode() if as_text else f"picture {number}"


def is_wrong(case):
    """Whether the body is meant to be wrong; headers and the query are left as they are in any case."""
    return case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)


def without_nul(value):
    """No text is stored with U+0000 in it, however deep."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(name): without_nul(item) for name, item in value.items()}
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes valid requests sensible. Those that are meant to be wrong stay as they are."""
    if is_wrong(case):
        return
    body = case.body
    if not isinstance(body, dict) or case.media_type == "application/x-ndjson":
        return
    in_json = "json" in (case.media_type or "")
    if "metadata" in body:
        body["metadata"] = without_nul(body["metadata"])
    for field in PICTURE_FIELDS:
        if field in body:
            body[field] = with_picture(body[field], in_json)
    if isinstance(body.get("archive"), (str, bytes)):
        body["archive"] = "archive"
        body.pop("manifest", None)
    if "document" in body and case.path.endswith("/verifications"):
        # One of the two stands for the face.
        if body.get("liveness_session_id"):
            body.pop("selfie", None)
        elif body.get("selfie") is None:
            body["selfie"] = base64.b64encode(PICTURES[0]).decode() if in_json else "picture 0"
    policy = body.get("policy")
    if isinstance(policy, dict) and policy.get("approve_fmr") is not None and policy.get("review_fmr") is not None:
        policy["review_fmr"] = max(policy["review_fmr"], policy["approve_fmr"])
    if not in_json:
        # A form of parts has no word for null: the part is left out.
        for field in [field for field, value in body.items() if value is None]:
            del body[field]
