"""Talks to a prediction server through Triton's client for the Open Inference Protocol:  triton.py PORT EXPECTED"""

import json
import sys

import numpy
import tritonclient.http as triton

port, expected = sys.argv[1], json.loads(sys.argv[2])
client = triton.InferenceServerClient(f"127.0.0.1:{port}")
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("latency")
assert not client.is_model_ready("other")
assert client.get_server_metadata()["name"] == "berth"
metadata = client.get_model_metadata("latency")
width = metadata["inputs"][0]["shape"][1]
assert metadata["inputs"][0]["name"] == "features" and [o["name"] for o in metadata["outputs"]][:3] == ["p99", "risk", "score"]

rows = numpy.full((3, width), 0.5, dtype=numpy.float32)
rows[:, 0] = [0.1, 0.5, 0.9]
features = triton.InferInput("features", rows.shape, "FP32")
features.set_data_from_numpy(rows, binary_data=False)
objective = triton.InferInput("objective", [3], "FP64")
objective.set_data_from_numpy(numpy.array([0.02, 0.05, 0.1]), binary_data=False)
for outputs in None, [triton.InferRequestedOutput("contributions", binary_data=False)]:
    result = client.infer("latency", [features, objective], outputs=outputs, request_id="7")
    assert result.get_response()["id"] == "7" and result.get_response()["model_name"] == "latency"
    if outputs is None:
        p99, risk = result.as_numpy("p99"), result.as_numpy("risk")
        assert numpy.allclose(p99, expected), (p99, expected)
        assert numpy.allclose(risk, p99 / [0.02, 0.05, 0.1]) and result.as_numpy("score").shape == (3,)
    else:
        contributions = result.as_numpy("contributions")
        assert contributions.shape == (3, width + 1)
        assert numpy.allclose(contributions.sum(axis=1), numpy.log(expected), atol=1e-4)

try:
    client.infer("other", [features])
    raise SystemExit("an unknown model was accepted")
except triton.InferenceServerException as error:
    assert "there is no model" in error.message(), error.message()
binary = triton.InferInput("features", rows.shape, "FP32")
binary.set_data_from_numpy(rows, binary_data=True)
try:
    client.infer("latency", [binary])
    raise SystemExit("binary data were accepted")
except triton.InferenceServerException as error:
    assert "binary data extension" in error.message(), error.message()
client.close()
print("agreed")
