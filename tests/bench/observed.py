#!/usr/bin/env python3
"""What being looked at costs: leadfit-bench's Score at 64 in flight, plain, with --log-requests, and with a scrape of /metrics a second.

    observed.py [--rounds N] [--seconds S] [--build DIR]

Runs the three in turn, N times, and prints the medians of the ratios to the plain one of the same round: requests a second, and CPU of
the service a request.
"""
import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--seconds", type=float, default=1)
parser.add_argument("--build", default=os.path.join(here, "../../build/release"))
options = parser.parse_args()
build = os.path.abspath(options.build)


class Scraper(threading.Thread):
    def __init__(self, path):
        super().__init__()
        self.path, self.done, self.seen = path, threading.Event(), 0

    def run(self):
        while not self.done.wait(1):
            try:
                connection = http.client.HTTPConnection("localhost")
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(self.path)
                connection.request("GET", "/metrics")
                self.seen += connection.getresponse().status == 200
            except OSError:
                pass  # it has not begun, or has ended


def run(folder, more, scrape):
    wrapper = f"{folder}/leadfitd"
    with open(os.open(wrapper, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o700), "w") as file:
        file.write(f'#!/bin/sh\nrm -f {folder}/http\nexec {build}/bin/leadfitd "$@" --http unix:{folder}/http {more}\n')
    scraper = Scraper(f"{folder}/http")
    if scrape:
        scraper.start()
    told = subprocess.run([f"{build}/bin/leadfit-bench", "--runs", "1", "--seconds", str(options.seconds), "--in-flight", "64", "--batch-items", "0",
                           "--dir", f"{folder}/log", "--server", wrapper, "--output", "json"], stdout=subprocess.PIPE, check=True).stdout
    scraper.done.set()
    if scrape:
        scraper.join()
        if scraper.seen == 0:
            sys.exit("nothing was scraped")
    return json.loads(told)


def figures(told):
    leadfit = told["points"][0]["leadfit"]
    return {name: leadfit[name]["median"] for name in ("requestsPerS", "serverCpuUs")}


kinds = {"plain": ("", False), "--log-requests": ("--log-requests", False), "a scrape a second": ("", True)}
ratios = {}
with tempfile.TemporaryDirectory(dir=".", prefix="observed.") as folder:
    folder = os.path.abspath(folder)
    os.mkdir(f"{folder}/log")
    for _ in range(options.rounds):
        seen = {kind: figures(run(folder, *how)) for kind, how in kinds.items()}
        for kind in list(kinds)[1:]:
            for name, value in seen[kind].items():
                ratios.setdefault((name, kind), []).append(value / seen["plain"][name])
for (name, kind), values in sorted(ratios.items()):
    print(f"{name}, {kind}: {statistics.median(values):.3f} of plain [{min(values):.3f}..{max(values):.3f}]")
