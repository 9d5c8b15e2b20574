"""Sends the same pairs of pictures to one server and tells how fast, how large and how right it is, as a line of JSON.

    measure.py NAME URL PID --selfie FILE --document FILE [--token T] [--lfw DIR --pairs N]
"""

import argparse
import csv
import io
import json
import statistics
import threading
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from PIL import Image

BOUNDARY = "a-boundary-that-no-picture-holds"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("url")
    parser.add_argument("pid", type=int)
    parser.add_argument("--selfie", type=Path, required=True)
    parser.add_argument("--document", type=Path, required=True)
    parser.add_argument("--compare-url")
    parser.add_argument("--compare-parts", default="selfie,document")
    parser.add_argument("--token")
    parser.add_argument("--megapixels", type=float, default=2.0)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--busy-clients", type=int, default=16)
    parser.add_argument("--busy-megapixels", type=float, default=12.0, help="0 for no measure of the memory under load")
    parser.add_argument("--busy-requests", type=int, default=160)
    parser.add_argument("--lfw", type=Path)
    parser.add_argument("--pairs", type=int, default=1000)
    return parser.parse_args()


def scaled(path, megapixels):
    picture = Image.open(path).convert("RGB")
    scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    encoded = io.BytesIO()
    picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS).save(
        encoded, "JPEG", quality=92
    )
    return encoded.getvalue()


def body(parts, pictures):
    form = b""
    for part, picture in zip(parts.split(","), pictures, strict=True):
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{part}"; filename="{part}.jpg"\r\n'
        form += head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + picture + b"\r\n"
    return form + f"--{BOUNDARY}--\r\n".encode()


def send(url, form, token):
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with urlopen(Request(url, form, headers)) as answer:
        return json.load(answer)


def together(clients, work):
    """Runs the same work on so many threads until it is done."""
    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def load(url, form, token, clients, requests):
    """Milliseconds of each request, and requests a second."""
    times, left, lock = [], iter(range(requests)), threading.Lock()

    def client():
        while True:
            with lock:
                if next(left, None) is None:
                    return
            started = time.perf_counter()
            send(url, form, token)
            times.append((time.perf_counter() - started) * 1e3)

    started = time.perf_counter()
    together(clients, client)
    return sorted(times), len(times) / (time.perf_counter() - started)


def descendants(pid):
    """A process and those below it, whichever thread started them."""
    lists = (task / "children" for task in Path(f"/proc/{pid}/task").iterdir())
    children = [int(child) for children in lists for child in children.read_text().split()]
    return [pid, *(below for child in children for below in descendants(child))]


def proportional_mb(pid):
    """Memory of one process; what it shares with others is counted in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def resident_mb(pid):
    """Memory of a process and those below it: what they share is counted once."""
    return sum(map(proportional_mb, descendants(pid)))


def most_resident_mb(pid, work):
    """The most memory while some work is done, looked at four times a second."""
    most, done = [resident_mb(pid)], threading.Event()

    def watch():
        while not done.wait(0.25):
            try:
                most.append(resident_mb(pid))
            except OSError:
                pass  # A process has just ended.

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return max(most)


def found(answer):
    """The similarity in an answer: of the peers, or of Likeness's comparison."""
    return answer["similarity"] if "similarity" in answer else answer["targets"][0]["faces"][0]["similarity"]


def accuracy(options):
    """Share of the pairs with an answer that are told rightly, each half of them by the threshold that is best for the other."""
    with (options.lfw / "pairs.csv").open() as file:
        pairs = list(csv.DictReader(file))
    pairs = pairs[:: max(1, len(pairs) // options.pairs)]
    url, token, scores = options.compare_url or options.url, options.token, []
    for pair in pairs:
        pictures = [(options.lfw / "images" / Path(pair[side]).name).read_bytes() for side in ("image_a", "image_b")]
        try:
            scores.append(found(send(url, body(options.compare_parts, pictures), token)))
        except (HTTPError, IndexError):
            scores.append(None)
    labels = [pair["same"] == "1" for pair in pairs]

    def right(indices, threshold):
        told = [(scores[i] >= threshold) == labels[i] for i in indices if scores[i] is not None]
        return sum(told) / len(told)

    halves = [range(0, len(pairs), 2), range(1, len(pairs), 2)]
    rights = []
    for chosen, judged in (halves, halves[::-1]):
        told = sorted(scores[i] for i in chosen if scores[i] is not None)
        between = [statistics.mean(neighbours) for neighbours in zip(told, told[1:])]
        rights.append(right(judged, max(between, key=lambda threshold: right(chosen, threshold))))
    return statistics.mean(rights), len(pairs), sum(score is None for score in scores)


def main():
    options = arguments()

    def form_of(megapixels):
        return body("selfie,document", [scaled(path, megapixels) for path in (options.selfie, options.document)])

    form = form_of(options.megapixels)
    load(options.url, form, options.token, 1, 5)
    figures = {"name": options.name, "megapixels": options.megapixels, "requests": options.requests}
    for clients in (1, 4):
        times, per_second = load(options.url, form, options.token, clients, options.requests)
        figures[f"clients_{clients}"] = {
            "p50_ms": round(statistics.median(times), 1),
            "p95_ms": round(times[int(0.95 * (len(times) - 1))], 1),
            "per_second": round(per_second, 2),
        }
    figures["memory_mb"] = round(resident_mb(options.pid))
    if options.busy_megapixels:
        large = form_of(options.busy_megapixels)
        busy = lambda: load(options.url, large, options.token, options.busy_clients, options.busy_requests)
        figures["busy_memory_mb"] = round(most_resident_mb(options.pid, busy))
    if options.lfw:
        rate, pairs, unusable = accuracy(options)
        figures["accuracy"] = {"rate": round(rate, 4), "pairs": pairs, "without_an_answer": unusable}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
