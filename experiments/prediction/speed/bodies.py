"""Writes wrk scripts with one row and with a thousand rows of a data set:  bodies.py DATASET FOLDER"""

import json
import pathlib
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1]) as file:
    names = file["dataset/features"].asstr()[()].split("\n")
    rows = file["dataset/values"][:]
chosen = rows[np.random.default_rng(0).choice(len(rows), 1000)].astype(float).round(4)
values = [[None if np.isnan(value) else value for value in row] for row in chosen]
one = {"metrics": dict(zip(names, values[0]))}
many = {"inputs": [{
    "name": "features", "shape": [1000, len(names)], "datatype": "FP32", "data": [v for row in values for v in row]}]}
for name, body in ("one", one), ("thousand", many):
    text = json.dumps(body, separators=(",", ":"))
    pathlib.Path(sys.argv[2], f"{name}.lua").write_text(
        f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{text}'\n")
