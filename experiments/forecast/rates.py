#!/usr/bin/env python3
"""Requests per minute of a public trace as mean rates over longer intervals, in CSV.

rates.py FILE.csv.gz MINUTES writes the mean requests per minute of each interval to standard output, empty where less
than half of it was recorded.

Both traces leave out minutes that were not recorded. World Cup's rows carry their time, so its gaps show. NASA's rows
are numbered through, and two logs were joined there: the first ends on 28 July 1995 at 13:32, the second begins on
1 August at 00:00, and the days between (4,948 minutes) are put back in as a gap, without which the hours of all later
days would be off by half a day. Its server was shut down on 1 August at 14:52 for a hurricane; an hour or more without a
single request counts as not recorded.
"""
import csv
import datetime
import gzip
import itertools
import sys

JOIN, GAP, OUTAGE = 39_692, 4_948, 60


def minutes(path):
    """Counts by minute; None where nothing was recorded."""
    with gzip.open(path, "rt") as file:
        rows = list(csv.reader(file))
    if rows[0][0] == "minute":
        counts = [float(row[1]) for row in rows[1:]]
        counts[JOIN:JOIN] = [None] * GAP
        result = []
        for empty, run in itertools.groupby(counts, key=lambda count: count == 0):
            run = list(run)
            result += [None] * len(run) if empty and len(run) >= OUTAGE else run
        return result
    times = [datetime.datetime.fromisoformat(row[0]) for row in rows[1:]]
    result = [None] * (int((times[-1] - times[0]).total_seconds()) // 60 + 1)
    for time, row in zip(times, rows[1:]):
        result[int((time - times[0]).total_seconds()) // 60] = float(row[1])
    return result


def main():
    counts, width = minutes(sys.argv[1]), int(sys.argv[2])
    print("interval,rate")
    for index in range(len(counts) // width):
        known = [count for count in counts[index * width:(index + 1) * width] if count is not None]
        print(f"{index},{sum(known) / len(known):.4f}" if 2 * len(known) >= width else f"{index},")


if __name__ == "__main__":
    main()
