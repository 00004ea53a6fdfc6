"""Debian's Prometheus, with the rules of service/deploy, on leadfitd's of the tests."""
import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from exposed import PATIENCE, wait_until


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


class Prometheus:
    """
    Scrapes and evaluates each second. rules: a text of rules, whose "for" and waiting for checkpoints are as good as none here.
    Exits with 77 where there is no prometheus.
    """

    def __init__(self, rules=None):
        if shutil.which("prometheus") is None:
            print("skipped: there is no prometheus")
            sys.exit(77)
        self.directory = tempfile.TemporaryDirectory(prefix="lf_prometheus_")
        folder = self.directory.name
        self.targets, self.file = {}, f"{folder}/targets.json"
        self.write()
        if rules:
            shorter = re.sub(r"\boffset 10m\b", "offset 10s", re.sub(r"\bfor: \w+", "for: 0s", rules))
            with open(f"{folder}/rules.yml", "w", encoding="utf-8") as file:
                file.write(shorter)
        with open(f"{folder}/prometheus.yml", "w", encoding="utf-8") as file:
            file.write("global: {scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 1s}\n"
                       + ("rule_files: [rules.yml]\n" if rules else "") +
                       "scrape_configs: [{job_name: leadfit, file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]}]\n")
        self.port = free_port()
        self.log = open(f"{folder}/log", "wb")
        no_proxy = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log, env=no_proxy)
        atexit.register(self.process.kill)  # where a claim has failed
        wait_until(self.is_ready, "Prometheus is ready")

    def is_ready(self):
        if self.process.poll() is not None:
            with open(self.log.name, encoding="utf-8") as log:
                sys.exit("not ok - Prometheus does not start: " + log.read()[-2000:])
        try:
            return self.get("/-/ready") is not None
        except OSError:
            return False

    def get(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE).read()

    def write(self):
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            json.dump([{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}} for name, port in self.targets.items()], file)
        os.rename(self.file + ".new", self.file)

    def scrape(self, name, service):
        """From now on; waits until it has."""
        self.targets[name] = service.http
        self.write()
        wait_until(lambda: self.query(f'up{{instance="{name}"}} == 1'), f"Prometheus scrapes {name}")

    def query(self, expression):
        """Samples: labels and value, now. A wrong expression raises an error."""
        answer = json.loads(self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]

    def firing(self, **labels):
        chosen = ",".join(f'{name}="{value}"' for name, value in {"alertstate": "firing", **labels}.items())
        return {sample["alertname"] for sample, _ in self.query(f"ALERTS{{{chosen}}}")}

    def wait_scrapes(self, seconds):
        """So many seconds of Prometheus' own: not a time that anything must take."""
        until = time.time() + seconds
        wait_until(lambda: self.query(f"min(timestamp(up)) > {until}"), "it goes on scraping")

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()
        self.directory.cleanup()
