#!/usr/bin/python3
"""Every query of service/deploy/grafana/leadfit.json gives a series: Debian's Prometheus on a leadfitd that is under load.
And OPERATING.md's table of metrics has each family, by its type, and no other.

    dashboard_test.py LEADFITD SOURCE_FOLDER

Debian's python3, for its gRPC. Exits with 77 where there is no Prometheus (Debian's package prometheus) or no h2load.
"""
import json
import os
import re
import shutil
import sys
import tempfile

from exposed import Busy, Leadfitd, check, wait_until
from prometheus import Prometheus
from tls_service import Authority
import tls_service as common
import answers_claims as answers

leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:3])
# Queries that need what a test has not: they are run, and must not be wrong.
EMPTY = {"the week before": "it takes eight days"}

if shutil.which("h2load") is None:
    print("skipped: there is no h2load")
    sys.exit(77)
with open(f"{source}/service/deploy/grafana/leadfit.json", encoding="utf-8") as file:
    dashboard = json.load(file)
panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
check(len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]), "panels have an id each")
places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
check(len(places) == len(panels), "and a place each")

prometheus = Prometheus()
with tempfile.TemporaryDirectory(prefix="lf_dashboard_") as folder:
    os.makedirs(f"{folder}/backups")
    certificate, key = Authority(folder, "ca").sign("own")
    service = Leadfitd(leadfitd, folder, "--backups", f"{folder}/backups", "--tls-certificate", certificate, "--tls-key", key)
    prometheus.scrape("own", service)
    service.get("Keeping/Backup", {"name": "one.db"})
    answers.go_through(service, "Audit/Verify", "first")

    table = re.findall(r"^\| `((?:leadfit|grpc|process)_\w+)` \| (counter|gauge|histogram) \|", open(f"{source}/service/OPERATING.md", encoding="utf-8").read(), re.M)
    there = service.scrape().families
    check(dict(table) == there and len(table) == len(there), "OPERATING.md has each family by its type, and no other",
          " ".join(sorted(f"{name}:{kind}" for name, kind in set(table) ^ set(there.items()))))

    with Busy(service, source):
        for panel in panels:
            for target in panel["targets"]:
                expression = target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*")
                what = f'{panel["title"]}: {target["legendFormat"]}'
                if target["legendFormat"] in EMPTY:
                    prometheus.query(expression)
                    check(True, f"{what}: can be asked ({EMPTY[target['legendFormat']]})")
                    continue

                def has_values():
                    service.call("Keeping/Backup", {"name": "one.db"})  # a warning, which one panel shows
                    samples = prometheus.query(expression)
                    return samples and any(value == value for _, value in samples)
                wait_until(has_values, what)
                check(True, what)
    service.stop()
prometheus.stop()
sys.exit(common.failures != 0)
