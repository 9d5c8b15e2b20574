"""Sends checks to a service without a pause, and tells each minute how much memory it holds."""

import argparse
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.error import HTTPError

from measure import body, descendants, proportional_mb, scaled, send, together


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("pid", type=int)
    parser.add_argument("--token", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--megapixels", type=float, required=True)
    parser.add_argument("--selfie", type=Path, required=True)
    parser.add_argument("--document", type=Path, required=True)
    return parser.parse_args()


def report(minute, pid, answers):
    below = 0.0
    for process in descendants(pid)[1:]:
        try:
            below += proportional_mb(process)
        except OSError:
            pass  # A connection's process has just ended.
    counts = ", ".join(f"{count} of {status}" for status, count in sorted(answers.items()))
    print(f"minute {minute:3}: service {proportional_mb(pid):4.0f} MB, database {below:4.0f} MB; answers: {counts or 'none yet'}", flush=True)


def main():
    options = arguments()
    form = body("selfie,document", [scaled(path, options.megapixels) for path in (options.selfie, options.document)])
    answers, ends = Counter(), time.monotonic() + options.minutes * 60
    report(0, options.pid, answers)

    def client():
        while time.monotonic() < ends:
            try:
                send(options.url, form, options.token)
                answers[201] += 1
            except HTTPError as error:
                answers[error.code] += 1
                time.sleep(0.1)

    def watch():
        for minute in range(1, int(options.minutes) + 1):
            time.sleep(60)
            report(minute, options.pid, answers)

    threading.Thread(target=watch, daemon=True).start()
    together(options.clients, client)
    report(int(options.minutes), options.pid, answers)


main()
