#!/usr/bin/env python3
"""Open-loop load: requests leave at the times of a seeded Poisson process, whether or not earlier ones have
been answered, and each latency counts from the time its request was due (no coordinated omission).

usage: load.py --rate 30 --seconds 20 [--seed 1] URL...

The URLs take turns. Prints one line of JSON: requests, failed, p50_ms, p99_ms. A request that fails or has
no answer within the timeout counts as failed and, in the quantiles, as one that took the whole timeout.
"""
import argparse, asyncio, json, random, time, urllib.parse

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


async def timed(url, due, latencies):
    try:
        await asyncio.wait_for(request(url), TIMEOUT)
        latencies.append(time.monotonic() - due)
    except (OSError, asyncio.TimeoutError, EOFError):
        latencies.append(None)


async def generate(urls, rate, seconds, seed):
    generator = random.Random(seed)
    latencies, running = [], set()
    start = time.monotonic()
    due, count = start + generator.expovariate(rate), 0
    while due < start + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(timed(urls[count % len(urls)], due, latencies))
        running.add(task)
        task.add_done_callback(running.discard)
        due += generator.expovariate(rate)
        count += 1
    await asyncio.gather(*running)
    return latencies


def quantile(values, share):
    """Nearest rank; `values` is sorted."""
    return values[min(len(values) - 1, int(share * len(values)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, required=True, help="requests per second over all URLs")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("urls", nargs="+", metavar="URL")
    options = parser.parse_args()
    urls = [urllib.parse.urlsplit(url) for url in options.urls]
    latencies = asyncio.run(generate(urls, options.rate, options.seconds, options.seed))
    if not latencies:
        raise SystemExit("load.py: no request was due in that time; raise --rate or --seconds")
    values = sorted(TIMEOUT if latency is None else latency for latency in latencies)
    print(json.dumps({
        "requests": len(values), "failed": latencies.count(None),
        "p50_ms": round(1000 * quantile(values, 0.5), 1), "p99_ms": round(1000 * quantile(values, 0.99), 1),
    }))


if __name__ == "__main__":
    main()
