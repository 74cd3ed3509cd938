"""Mask R-CNN R50-FPN as representation learning measures it.

mmdet's `_base_/models/mask-rcnn_r50_fpn.py` with nothing frozen, batch norms that are trained and
synchronised in the backbone and the FPN (and only there: the heads have none), and the standard
head of two fully connected layers. Shared4Conv1FC, which mmpretrain and mmselfsup ship for this
purpose, lifts the same weights by more than methods differ (mmselfsup#558).
"""

_base_ = ["./rcnn_boxes-masks.py"]

model = dict(
    backbone=dict(
        type="ResNet",
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        norm_eval=False,
        style="pytorch",
    ),
    neck=dict(
        type="FPN",
        in_channels=[256, 512, 1024, 2048],
        out_channels=256,
        num_outs=5,
        norm_cfg=dict(type="SyncBN", requires_grad=True),
    ),
)
