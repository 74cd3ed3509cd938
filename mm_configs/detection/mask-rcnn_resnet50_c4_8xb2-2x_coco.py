"""Mask R-CNN R50-C4, 2x: 180,000 iterations, steps at 120k and 160k; the rest is that of 1x.

Source: facebookresearch/moco, `detection/configs/coco_R_50_C4_2x_moco.yaml`.
"""

_base_ = ["./mask-rcnn_resnet50_c4_8xb2-1x_coco.py"]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn-c4-2x",
    display="Mask R-CNN C4 2x",
    backbone="resnet50",
    profiles=["paper"],
    data="coco",
    main_metric="val/bbox_mAP",
    seeds=3,
    on_request=True,
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=180000, val_interval=180000)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=1000, by_epoch=False),
    dict(
        type="MultiStepLR",
        begin=0,
        end=180000,
        milestones=[120000, 160000],
        gamma=0.1,
        by_epoch=False,
    ),
]
