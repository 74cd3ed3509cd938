"""The runtime of mmseg's jobs on Stamps: too short for a checkpoint on the way."""

_base_ = ["./iter_runtime.py"]

default_scope = "mmseg"
visualizer = dict(type="SegLocalVisualizer")
default_hooks = dict(checkpoint=None)
