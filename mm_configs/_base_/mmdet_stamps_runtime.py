"""The runtime of mmdet's jobs on Stamps: too short for a checkpoint on the way."""

_base_ = ["./iter_runtime.py"]

default_scope = "mmdet"
visualizer = dict(type="DetLocalVisualizer")
default_hooks = dict(checkpoint=None)
