"""Sends bodies to a prediction server and holds its answers against a validator of this file's own.

    bodies.py PORT COUNT SEED

Every body that the validator rejects has to get a 4xx with a reason, every other one a 200 with sound numbers. Bodies are
a corpus, and that corpus and sound requests changed at random. Prints how many of each there were. Waits for the server
for at most a minute.
"""

import http.client
import json
import math
import random
import sys
import time

FEATURES = {
    "cpu_used": (0, 10), "memory_used": (0, 10), "memory_bandwidth": (0, 10), "cache_miss_ratio": (0, 1),
    "instructions_per_cycle": (0, 16), "cpu_requested": (0, 100), "memory_requested": (0, 100), "pods": (0, 1e4),
    "replicas": (0, 1e4), "replica_rate": (0, 1e7), "replica_request": (0, 1e4), "replica_limit": (0, 1e4),
    "replica_cpu": (0, 1e4), "replica_utilization": (0, 1e7), "cpu_per_request": (0, 1e4), "neighbour_cpu": (0, 10),
    "neighbour_requested": (0, 100), "cpu_used_change": (-10, 10), "rate_change": (-64, 64),
    "p99_before": (0, 3600), "backlog": (-1, 1e7), "p99_elsewhere": (0, 3600), "neighbour_risk": (0, 1e9),
}
NAMES = list(FEATURES)


class Invalid(Exception):
    pass


def demand(condition):
    if not condition:
        raise Invalid


def is_number(value):
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def unique(pairs):
    """An object without keys that are there twice."""
    demand(len({key for key, _ in pairs}) == len(pairs))
    return dict(pairs)


def parse(body):
    def constant(_):
        raise Invalid  # NaN and Infinity are no JSON

    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant)
        # Half of a surrogate pair is no character.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except (ValueError, RecursionError):
        raise Invalid from None


def check_instance(value):
    demand(isinstance(value, dict))
    demand(set(value) <= {"node", "metrics", "objective"} and isinstance(value.get("metrics"), dict))
    demand(value.get("node") is None or isinstance(value["node"], str))
    objective = value.get("objective")
    demand(objective is None or is_number(objective) and 1e-6 <= objective <= 3600)
    for name, number in value["metrics"].items():
        demand(name in FEATURES)
        demand(number is None or is_number(number) and FEATURES[name][0] <= number <= FEATURES[name][1])


def predict_rows(body):
    value = parse(body)
    demand(isinstance(value, dict) and isinstance(value.get("contributions", False), bool))
    value.pop("contributions", None)
    if "instances" not in value:
        check_instance(value)
        return 1
    demand(set(value) == {"instances"} and isinstance(value["instances"], list) and len(value["instances"]) <= 50)
    for instance in value["instances"]:
        check_instance(instance)
    return len(value["instances"])


def flatten(data, shape):
    """The elements of data of a shape, flat or nested."""
    if not data or not isinstance(data[0], list):
        return data
    demand(shape and len(data) == shape[0] and all(isinstance(part, list) for part in data))
    if len(shape) == 1:
        raise Invalid
    return [element for part in data for element in flatten_nested(part, shape[1:])]


def flatten_nested(data, shape):
    demand(isinstance(data, list) and len(data) == shape[0])
    if len(shape) == 1:
        return data
    return [element for part in data for element in flatten_nested(part, shape[1:])]


def check_parameters(value):
    demand(isinstance(value, dict) and "binary_data_size" not in value)


def infer_rows(body):
    value = parse(body)
    demand(isinstance(value, dict) and set(value) <= {"id", "inputs", "outputs", "parameters"})
    demand(value.get("id") is None or isinstance(value["id"], str))
    check_parameters(value.get("parameters", {}))
    demand(isinstance(value.get("inputs"), list) and 1 <= len(value["inputs"]) <= 2)
    tensors = {}
    for tensor in value["inputs"]:
        demand(isinstance(tensor, dict) and set(tensor) <= {"name", "shape", "datatype", "data", "parameters"})
        check_parameters(tensor.get("parameters", {}))
        demand({"name", "shape", "datatype", "data"} <= set(tensor))
        demand(tensor["name"] in ("features", "objective") and tensor["name"] not in tensors)
        demand(tensor["datatype"] in ("FP32", "FP64"))
        shape, data = tensor["shape"], tensor["data"]
        demand(isinstance(shape, list) and all(isinstance(size, int) and not isinstance(size, bool) for size in shape))
        demand(all(0 <= size < 2**31 for size in shape) and len(shape) <= 8 and (not shape or shape[0] <= 50))
        demand(isinstance(data, list))
        elements = flatten(data, shape)
        demand(len(elements) == math.prod(shape) and all(e is None or is_number(e) for e in elements))
        tensors[tensor["name"]] = (shape, elements)
    demand("features" in tensors)
    shape, elements = tensors["features"]
    demand(len(shape) == 2 and shape[1] == len(NAMES))
    for position, element in enumerate(elements):
        low, high = FEATURES[NAMES[position % len(NAMES)]]
        demand(element is None or low <= element <= high)
    if "objective" in tensors:
        other, objectives = tensors["objective"]
        demand(other in ([shape[0]], [shape[0], 1]) and all(o is not None and 1e-6 <= o <= 3600 for o in objectives))
    outputs = value.get("outputs", [])
    demand(isinstance(outputs, list))
    names = []
    for output in outputs:
        demand(isinstance(output, dict) and set(output) <= {"name", "parameters"})
        check_parameters(output.get("parameters", {}))
        demand(output.get("name") in ("p99", "risk", "score", "contributions") and output["name"] not in names)
        names.append(output["name"])
    return shape[0]


# Bodies


def sound_instance(draw):
    metrics = {}
    for name, (low, high) in FEATURES.items():
        kind = draw.random()
        if kind < 0.6:
            metrics[name] = low + (high - low) * draw.random() ** 4
        elif kind < 0.7:
            metrics[name] = None
    instance = {"metrics": metrics}
    if draw.random() < 0.3:
        instance["node"] = draw.choice(["n", "", "\u00fc\n\"", None])
    if draw.random() < 0.3:
        instance["objective"] = draw.choice([0.1, 1, None, 3600])
    return instance


def sound(draw, path):
    if path == "/predict":
        value = sound_instance(draw) if draw.random() < 0.7 else {
            "instances": [sound_instance(draw) for _ in range(draw.randrange(4))]}
        if draw.random() < 0.2:
            value["contributions"] = draw.random() < 0.5
        return value
    rows = draw.randrange(4)
    data = [[None if draw.random() < 0.2 else low + (high - low) * draw.random() for low, high in FEATURES.values()]
            for _ in range(rows)]
    if draw.random() < 0.5:
        data = [element for row in data for element in row]
    inputs = [{"name": "features", "shape": [rows, len(NAMES)], "datatype": draw.choice(["FP32", "FP64"]), "data": data}]
    if draw.random() < 0.3:
        inputs.append({"name": "objective", "shape": [rows], "datatype": "FP64", "data": [0.1] * rows})
    value = {"inputs": inputs}
    if draw.random() < 0.3:
        value["outputs"] = [{"name": name} for name in draw.sample(["p99", "risk", "score", "contributions"], 2)]
    if draw.random() < 0.3:
        value["id"] = "42"
    return value


ODD = [None, True, False, 0, -1, 1e308, -1e308, 10**30, 0.5, "", "1", "NaN", [], {}, [[]], [None], {"a": 1}, 2**63,
       "cpu_used", "FP32", 1e-320, [[1], 2], "x" * 300]


def places(value, path=()):
    """Every place in a value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from places(part, (*path, key))


def changed(draw, value):
    """A value with one place changed, removed, doubled or renamed."""
    value = json.loads(json.dumps(value))
    path = draw.choice(list(places(value)))
    if not path:
        return draw.choice(ODD)
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    key, kind = path[-1], draw.randrange(4)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[draw.choice(["x", str(key) + "s", "metrics", "instances", "data", "shape"])] = parent.pop(key)
    elif kind == 1:
        parent.insert(key, parent[key])
    else:
        parent[key] = draw.choice(ODD)
    return value


def damaged(draw, body):
    """Bytes with some changed, cut off or put in."""
    body = bytearray(body)
    for _ in range(draw.randrange(1, 4)):
        at, kind = draw.randrange(len(body) + 1), draw.randrange(5)
        if kind == 0:
            del body[at:]
        elif kind == 1:
            body[at:at] = draw.choice([b"NaN", b"Infinity", b"-", b"\xff", b"\x00", b",", b"]", b"{", b'"', b"1e999", b"//"])
        elif kind == 2 and body:
            body[min(at, len(body) - 1)] = draw.randrange(256)
        elif kind == 3:
            del body[at:at + draw.randrange(8)]
        else:
            body[at:at] = body[at:at + draw.randrange(16)]
    return bytes(body)


MARKS = "\u0301\u0316".encode() * 100_000
CORPUS = [
    b"", b" ", b"null", b"[]", b"{}", b"1", b'"x"', b"{", b"[" * 100_000, b"[" * 300 + b"]" * 300, b'{"a":' * 200_000,
    b'{"metrics":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"metrics":{}}', b'{"metrics":null}', b'{"metrics":[]}',
    b'{"metrics":{"cpu_used":NaN}}', b'{"metrics":{"cpu_used":1e400}}', b'{"metrics":{"cpu_used":"1"}}',
    b'{"metrics":{"cpu_used":1,"cpu_used":2}}', b'{"metrics":{},"metrics":{}}', b'\xef\xbb\xbf{"metrics":{}}',
    b'{"metrics":{"cpu_used":-0.0}}', b'{"metrics":{"cpu_used":' + b"1" * 400 + b"}}", b'{"metrics":{}}x',
    b'{"metrics":{"' + b"k" * 100_000 + b'":1}}', b'{"node":"' + b"n" * 100_000 + b'","metrics":{}}',
    # Comparing names of many combining marks takes forever; as a node's name they are only handed back.
    b'{"metrics":{"a' + MARKS + b'":1}}', b'{"a' + MARKS + b'":1,"metrics":{}}',
    b'{"inputs":[{"name":"a' + MARKS + b'","shape":[0,23],"datatype":"FP32","data":[]}]}',
    b'{"outputs":[{"name":"a' + MARKS + b'"}],"inputs":[{"name":"features","shape":[0,23],"datatype":"FP32","data":[]}]}',
    b'{"node":"a' + MARKS[:4000] + b'","metrics":{}}',
    b'{"node":"\\ud800","metrics":{}}', b'{"node":"\xc3\x28","metrics":{}}', b'{"instances":[]}',
    b'{"instances":[' + b",".join([b'{"metrics":{}}'] * 50) + b"]}",
    b'{"instances":[' + b",".join([b'{"metrics":{}}'] * 51) + b"]}",
    b'{"instances":[{"metrics":{}}],"metrics":{}}', b"{" + b" " * 200_000 + b'"metrics":{}}',
    b'{"inputs":[{"name":"features","shape":[0,23],"datatype":"FP32","data":[]}]}',
    b'{"inputs":[{"name":"features","shape":[4294967296,4294967296],"datatype":"FP32","data":[]}]}',
    b'{"inputs":[{"name":"features","shape":[-1,23],"datatype":"FP32","data":[]}]}',
    b'{"inputs":[{"name":"features","shape":[1,23],"datatype":"FP32","data":[' + b",".join([b"0.1"] * 23) + b"]}]}",
    b'{"inputs":[{"name":"features","shape":[1,23],"datatype":"FP32","data":[[[' + b",".join([b"0.1"] * 23) + b"]]]}]}",
    b'{"inputs":[{"name":"features","shape":[1,23],"datatype":"INT64","data":[' + b",".join([b"1"] * 23) + b"]}]}",
]


def connect(port):
    """A connection to the server, once it listens."""
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.connect()
            return connection
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


def main():
    port, count, draw = int(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    paths = {"/predict": predict_rows, "/v2/models/latency/infer": infer_rows}
    connection = connect(port)
    tally = {"accepted": 0, "rejected": 0}
    for number in range(count):
        path = list(paths)[number % 2]
        if number < 2 * len(CORPUS):
            body = CORPUS[number // 2]
        else:
            value = sound(draw, path)
            kind = draw.random()
            if kind < 0.45:
                value = changed(draw, value)
            body = json.dumps(value).encode()
            if kind > 0.7:
                body = damaged(draw, body)
        try:
            rows = paths[path](body)
        except Invalid:
            rows = None
        connection.request("POST", path, body)
        response = connection.getresponse()
        text = response.read()
        shown = f"{path} {body[:300]!r} got {response.status} {text[:300]!r}"
        if rows is None:
            assert 400 <= response.status < 500, f"should be rejected: {shown}"
            assert json.loads(text)["error"], shown
            assert len(text) < 4096, shown
            tally["rejected"] += 1
            continue
        assert response.status == 200, f"should be accepted: {shown}"
        reply = json.loads(text)
        if path == "/predict":
            predictions = reply["predictions"] if b'"instances"' in body else [reply]
            assert len(predictions) == rows, shown
            for prediction in predictions:
                assert 0 <= prediction["score"] <= 1 and prediction["p99"] > 0 and prediction["risk"] > 0, shown
        else:
            for output in reply["outputs"]:
                assert output["shape"][0] == rows and len(output["data"]) == math.prod(output["shape"]), shown
        tally["accepted"] += 1
    print(json.dumps(tally))


main()
