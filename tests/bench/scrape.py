#!/usr/bin/python3
"""What a scrape of /metrics costs: how long it takes while the service is busy, and what it leaves in memory.

    scrape.py LEADFITD SOURCE_FOLDER [SCRAPES]

Prints the median and the worst of 100 scrapes, over one connection, of a service at rest and of one that h2load keeps busy with Score, and
the mean of what the service itself says that they took, from their arrival to their answer (the rest is the network and this client, which waits for the
same processors); how long the text is; and the service's resident memory before and after SCRAPES more (10,000) at rest. Debian's python3, for its gRPC.
"""
import http.client
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "metrics"))
from exposed import PATIENCE, Busy, Exposed, Leadfitd  # noqa: E402
import answers_claims as answers  # noqa: E402

leadfitd, source = (os.path.abspath(path) for path in sys.argv[1:3])
scrapes = int(sys.argv[3]) if len(sys.argv) > 3 else 10000


class Scraper:
    def __init__(self, service):
        self.connection = http.client.HTTPConnection("127.0.0.1", service.http, timeout=PATIENCE)
        self.text = ""

    def scrape(self):
        """Milliseconds."""
        began = time.perf_counter()
        self.connection.request("GET", "/metrics")
        answer = self.connection.getresponse()
        self.text = answer.read().decode()
        assert answer.status == 200, answer.status
        return (time.perf_counter() - began) * 1000

    def own(self):
        """Seconds that scrapes took, and how many there were, as the service says."""
        exposed = Exposed(self.text)
        return [exposed.sum("grpc_server_handling_seconds_" + what, grpc_method="Read") for what in ("sum", "count")]

    def print(self, what, pause):
        self.scrape()
        times, (took, count) = [], self.own()
        for _ in range(100):
            times.append(self.scrape())
            time.sleep(pause)
        times.sort()
        took, count = self.own()[0] - took, self.own()[1] - count
        print(f"{what:42} median {times[50]:6.2f} ms, worst of 100 {times[-1]:6.2f} ms; in the service {1000 * took / count:6.2f} ms; {len(self.text)} bytes")


with tempfile.TemporaryDirectory(prefix="lf_scrape_", dir=".") as folder:
    service = Leadfitd(leadfitd, folder)
    scraper = Scraper(service)
    service.get("Scoring/Score", answers.request(source))
    scraper.print("at rest", 0.01)
    with Busy(service, source, connections=4, requests=16):
        time.sleep(2)
        scraper.print("64 Score in flight", 0.05)
    with Busy(service, source, connections=8, requests=250):
        time.sleep(2)
        scraper.print("as many in flight as one address may have", 0.05)
    for _ in range(200):
        scraper.scrape()
    before = service.resident_kib()
    for _ in range(scrapes):
        scraper.scrape()
    print(f"resident memory before and after {scrapes} scrapes: {before} KiB, {service.resident_kib()} KiB")
    service.stop()
