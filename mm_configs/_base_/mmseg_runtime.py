"""The runtime of mmseg's jobs in the profile `paper`."""

_base_ = ["./default_runtime.py"]

default_scope = "mmseg"
visualizer = dict(type="SegLocalVisualizer")
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=16000, max_keep_ckpts=1))
