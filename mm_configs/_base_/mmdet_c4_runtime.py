"""The runtime of C4 detectors: statistics of batch norms are measured anew after the last step.

Source: facebookresearch/moco `detection/configs/Base-RCNN-C4-BN.yaml` (`TEST.PRECISE_BN`), over 200
batches per GPU (detectron2's `TEST.PRECISE_BN.NUM_ITER`).
"""

_base_ = ["./iter_runtime.py"]

default_scope = "mmdet"
custom_imports = dict(
    imports=["mrcl_bench.models.res5", "mrcl_bench.engine.precise_norm"],
    allow_failed_imports=False,
)
custom_hooks = [dict(type="PreciseNormHook", batches=200)]
visualizer = dict(type="DetLocalVisualizer")
default_hooks = dict(checkpoint=dict(interval=5000, max_keep_ckpts=1))
