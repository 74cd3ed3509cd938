"""Optimiser of MoCo's C4 detectors; lengths and steps are the protocol's.

Source: facebookresearch/moco `detection/configs/Base-RCNN-C4-BN.yaml` (batch 16, rate 0.02) and
detectron2's defaults (momentum 0.9, decay 1e-4, none on norms).
"""

optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
val_cfg = dict(type="ValLoop")
auto_scale_lr = dict(enable=False, base_batch_size=16)
