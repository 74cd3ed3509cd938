"""The shared runtime for runs that count iterations."""

_base_ = ["./default_runtime.py"]

default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=50, max_keep_ckpts=2)
)
log_processor = dict(by_epoch=False)
