"""Prints 1,000 Node objects for `kubectl apply -f -`: nodes that exist for the API server only.

    python3 experiments/extender/nodes.py | kubectl apply -f -
"""
import json
import sys

COUNT = 1000
capacity = {"cpu": "8", "memory": "32Gi", "pods": "110"}
items = [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"fake-{i:04d}"}, "spec": {},
     "status": {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]}}
    for i in range(COUNT)
]
json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout)
