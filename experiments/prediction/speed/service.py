"""What a team would write first: a Flask service around a scikit-learn forest, answering the same requests as Berth's.

    DATASET=FILE.h5 TREES=100 DEPTH=8 gunicorn --workers 2 --preload --bind 127.0.0.1:8690 service:app
"""

import os

import h5py
import numpy as np
from flask import Flask, jsonify, request
from sklearn.ensemble import RandomForestRegressor

with h5py.File(os.environ["DATASET"]) as file:
    NAMES = file["dataset/features"].asstr()[()].split("\n")
    rows, labels = file["dataset/values"][:], np.log(file["dataset/p99"][:])
    objective = float(np.median(file["dataset/objective"][:]))

forest = RandomForestRegressor(
    int(os.environ["TREES"]), max_depth=int(os.environ["DEPTH"]), max_features=0.6, min_samples_leaf=3, random_state=0,
    n_jobs=1)
forest.fit(rows, labels)
app = Flask(__name__)


@app.post("/predict")
def predict():
    metrics = request.get_json()["metrics"]
    row = np.array([[metrics.get(name) for name in NAMES]], dtype=np.float32)
    p99 = float(np.exp(forest.predict(row)[0]))
    return jsonify(p99=p99, risk=p99 / objective)


@app.post("/v2/models/latency/infer")
def infer():
    tensor = request.get_json()["inputs"][0]
    values = np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
    p99 = np.exp(forest.predict(values))
    outputs = [("p99", p99), ("risk", p99 / objective)]
    return jsonify(model_name="latency", outputs=[
        {"name": name, "datatype": "FP64", "shape": [len(data)], "data": data.tolist()} for name, data in outputs])
