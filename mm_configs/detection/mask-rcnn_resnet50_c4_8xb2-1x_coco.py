"""Mask R-CNN R50-C4, 1x: 90,000 iterations of COCO at batch 16, rate 0.02, steps at 60k and 80k.

The detector of MoCo's tables (facebookresearch/moco, `detection/configs/coco_R_50_C4_2x_moco.yaml`;
the 1x schedule is that of detectron2's `COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml`).
Warm-up of 1,000 iterations from 1/1000: detectron2's default. Model and departures:
`_base_/models/faster-rcnn_resnet50_c4.py`.
"""

_base_ = [
    "../_base_/models/mask-rcnn_resnet50_c4.py",
    "../_base_/datasets/coco_instance.py",
    "../_base_/schedules/c4_sgd.py",
    "../_base_/mmdet_c4_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn-c4",
    display="Mask R-CNN C4 1x",
    backbone="resnet50",
    profiles=["paper"],
    data="coco",
    main_metric="val/bbox_mAP",
    seeds=3,
)
train_dataloader = dict(batch_size=2, sampler=dict(type="InfiniteSampler", shuffle=True))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=90000, val_interval=90000)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=1000, by_epoch=False),
    dict(
        type="MultiStepLR",
        begin=0,
        end=90000,
        milestones=[60000, 80000],
        gamma=0.1,
        by_epoch=False,
    ),
]
