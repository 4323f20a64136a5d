#!/usr/bin/env python3
"""Open-loop load: requests leave at the times of a seeded Poisson process, whether or not earlier ones have
been answered, and each latency counts from the time its request was due (no coordinated omission).

usage: load.py --rate 30 --seconds 20 [--seed 1] [--each] URL...

Each request goes to one of the URLs at random, as kube-proxy would choose, and the same rate, seconds, seed and
number of URLs give the same requests at the same times.
Prints one line of JSON: requests, failed, p50_ms, p99_ms, late_p99_ms (how late this program itself was to send),
and with --each also due_s, url (its index) and latency_ms of every request, in the order of due_s. A request that
fails or has no answer within the timeout counts as failed and, in the latencies, as one that took the whole timeout.
"""
import argparse, asyncio, json, math, random, time, urllib.parse

TIMEOUT = 10.0  # seconds


async def request(url):
    """One GET on a connection of its own; raises unless the answer is a complete 200."""
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
    try:
        path = url.path or "/"
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {url.hostname}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    if not answer.startswith(b"HTTP/1.1 200") or b"\r\n\r\n" not in answer:
        raise OSError("not a 200")


async def timed(url, due):
    """Seconds from `due` to the whole answer, and whether there was one."""
    try:
        await asyncio.wait_for(request(url), TIMEOUT)
        return time.monotonic() - due, True
    except (OSError, asyncio.TimeoutError, EOFError):
        return TIMEOUT, False


def arrivals(rate, seconds, seed, choices):
    """Times of a Poisson process in [0, seconds), each with a number below `choices`."""
    generator = random.Random(seed)
    requests, due = [], generator.expovariate(rate)
    while due < seconds:
        requests.append((due, generator.randrange(choices)))
        due += generator.expovariate(rate)
    return requests


async def generate(urls, requests):
    """Each request's answer as of `timed`, and how late each was sent, in seconds."""
    tasks, late = [], []
    start = time.monotonic()
    for offset, index in requests:
        due = start + offset
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)
        tasks.append(asyncio.create_task(timed(urls[index], due)))
    return await asyncio.gather(*tasks), late


def quantile(values, share):
    """Nearest rank: the smallest value that at least `share` of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, required=True, help="requests per second over all URLs")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="print every request's time and latency too")
    parser.add_argument("urls", nargs="+", metavar="URL")
    options = parser.parse_args()
    requests = arrivals(options.rate, options.seconds, options.seed, len(options.urls))
    if not requests:
        raise SystemExit("load.py: no request was due in that time; raise --rate or --seconds")
    answers, late = asyncio.run(generate([urllib.parse.urlsplit(url) for url in options.urls], requests))
    latencies = [latency for latency, _ in answers]
    result = {"requests": len(answers), "failed": sum(not answered for _, answered in answers)}
    for name, share, measured in [("p50_ms", 0.5, latencies), ("p99_ms", 0.99, latencies), ("late_p99_ms", 0.99, late)]:
        result[name] = round(1000 * quantile(measured, share), 1)
    if options.each:
        result["due_s"] = [round(offset, 6) for offset, _ in requests]
        result["url"] = [index for _, index in requests]
        result["latency_ms"] = [round(1000 * latency, 1) for latency in latencies]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
