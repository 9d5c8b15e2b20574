"""Writes seeds/: what the fuzz targets start from, small, and of every kind that is read. Needs Pillow."""

import base64
import io
import json
import pathlib
import random

from PIL import Image

SEEDS = pathlib.Path(__file__).parent / "seeds"
NOISE = random.Random(9303)


def put(target, name, content):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def picture(mode, width=17, height=13):
    """A gradient with noise in it, no side of which is a whole number of blocks."""
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            image.putpixel((x, y), (x * 14 % 256, y * 19 % 256, NOISE.randrange(256)))
    if mode == "I;16":
        return image.convert("L").point(lambda level: level * 257, "I").convert(mode)
    return image.convert(mode)


def encoded(image, container, **options):
    buffer = io.BytesIO()
    image.save(buffer, container, **options)
    return buffer.getvalue()


def pictures():
    turned = Image.Exif()
    turned[0x0112] = 6
    for mode in ("L", "RGB", "CMYK"):
        put("decode", f"{mode.lower()}.jpg", encoded(picture(mode), "JPEG", quality=60))
        put("decode", f"{mode.lower()}_progressive.jpg", encoded(picture(mode), "JPEG", progressive=True))
    put("decode", "rgb_444.jpg", encoded(picture("RGB"), "JPEG", subsampling=0, optimize=True))
    put("decode", "rgb_422.jpg", encoded(picture("RGB"), "JPEG", subsampling=1))
    put("decode", "rgb_restarts.jpg", encoded(picture("RGB", 40, 40), "JPEG", restart_marker_blocks=1))
    put("decode", "rgb_turned.jpg", encoded(picture("RGB"), "JPEG", exif=turned))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        put("decode", f"{mode.lower().replace(';', '_')}.png", encoded(picture(mode), "PNG"))
    put("decode", "p_transparent.png", encoded(picture("P"), "PNG", transparency=3, optimize=True))
    put("decode", "lossy.webp", encoded(picture("RGB"), "WEBP", quality=50))
    put("decode", "lossless.webp", encoded(picture("RGBA"), "WEBP", lossless=True))
    put("decode", "lossy_alpha.webp", encoded(picture("RGBA"), "WEBP", quality=50, exif=turned))


def part(headers, content):
    return b"--b\r\nContent-Disposition: form-data; " + headers + b"\r\n\r\n" + content + b"\r\n"


def forms():
    """The first byte says in pieces of which length the rest arrives."""
    png = encoded(picture("L", 2, 2), "PNG")
    images = part(b'name="selfie"; filename="a.png"\r\nContent-Type: image/png', png)
    images += part(b"name=\"document\"; filename*=UTF-8''a.png", png)
    fields = {
        "external_id": "a-1",
        "watchlist_ids": "00000000-0000-7000-8000-000000000000",
        "metadata": '{"a":[1,"x",null]}',
        "policy": '{"approve_fmr":1e-4,"review_fmr":1e-3}',
        "expected": '{"document_number":"L898902C3"}',
        "consent": '{"id":"c"}',
        "retention_days": "30",
    }
    texts = b"".join(part(b'name="%s"' % name.encode(), text.encode()) for name, text in fields.items())
    for length in (1, 7, 255):
        put("multipart", f"whole_{length}", bytes([length]) + images + texts + b"--b--\r\n")
    put("multipart", "fields", b"\xff" + texts + b"--b--")
    put("multipart", "twice", b"\x10" + images + images + b"--b--\r\n")
    put("multipart", "empty", b"\x01--b--\r\n")


def objects():
    png = base64.b64encode(encoded(picture("L", 2, 2), "PNG")).decode()
    whole = {
        "selfie": png,
        "document": png,
        "document_back": None,
        "external_id": "a-1",
        "metadata": {"a": [1, 2.5, None, {"b": "c"}]},
        "watchlist_ids": ["00000000-0000-7000-8000-000000000000"],
        "policy": {"approve_fmr": 1e-4, "review_fmr": 1e-3},
        "expected": {"document_number": "L898902C3", "date_of_birth": "1974-08-12", "sex": "F"},
        "consent": {"id": "c"},
        "retention_days": 30,
        "liveness_session_id": None,
    }
    put("json", "whole", json.dumps(whole))
    put("json", "escapes", r'{"selfie":"AA==","external_id":"\u0000\ud83d\ude00\ud800\"\\","metadata":{"":1e308}}')
    put("json", "twice", '{"selfie":"AA==","selfie":"AA==","document":""}')
    put("json", "data_url", json.dumps({"selfie": f"data:image/png;base64,{png}", "document": "AA"}))
    put("json", "deep", '{"metadata":' + '{"a":' * 40 + "1" + "}" * 41)


def tokens():
    """Claims to be signed, with or without a header before them; and tokens as somebody would forge them."""
    claims = {"iss": "i", "aud": "a", "sub": "s", "tenant": "t", "scope": "verify", "jti": "1"}
    claims |= {"iat": 1790000000, "nbf": 1790000000, "exp": 1990000000}
    headers = {
        "none": {"alg": "none"},
        "usual": {"alg": "HS256", "typ": "JWT"},
        "foreign_key": {"alg": "RS256", "kid": "../../k", "jku": "https://k"},
        "critical": {"alg": "HS256", "crit": ["b64"], "b64": False},
        "own_key": {"alg": "HS256", "typ": "at+jwt", "jwk": {"kty": "oct", "k": "AA"}},
    }
    put("token", "claims", json.dumps(claims))
    put("token", "lists", json.dumps(claims | {"aud": ["a", "b"], "scope": ["verify"], "exp": 1.99e9}))
    for name, header in headers.items():
        put("token", f"signed_{name}", json.dumps(header) + "\n" + json.dumps(claims))
        put("token", f"sent_{name}", f"{base64url(header)}.{base64url(claims)}.{'A' * 43}")


def base64url(value):
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def zones():
    """The examples of ICAO Doc 9303, and one as a reader might confuse it."""
    names = "ERIKSSON<<ANNA<MARIA"
    lines = {
        "td1": (30, "I<UTOD231458907", "7408122F1204159UTO<<<<<<<<<<<6", names),
        "td1_long": (30, "I<UTOD23145890<7349", "7408122F1204159UTO<<<<<<<<<<<4", names),
        "td2": (36, f"I<UTO{names}", "D231458907UTO7408122F1204159<<<<<<<6"),
        "td3": (44, f"P<UTO{names}", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"),
        "mrv_a": (44, f"V<UTO{names}", "L8988901C4XXX4009078F96121096ZE184226B"),
        "mrv_b": (36, f"V<UTO{names}", "L8988901C4XXX4009078F9612109"),
        "confused": (44, f"P<UT0{names}", "L8989O2C36UTO74O8I22F12O4I59ZE184226B<<<<<1O"),
    }
    for name, (length, *texts) in lines.items():
        put("mrz", name, "\n".join(text.ljust(length, "<") for text in texts))


pictures()
forms()
objects()
tokens()
zones()
put("cursor", "text", base64.urlsafe_b64encode(bytes(range(16))).rstrip(b"=").decode())
