"""Faster R-CNN R50-C4 on VOC07+12: 24,000 iterations at batch 16, rate 0.02, steps at 18k and 22k.

Source: facebookresearch/moco, `detection/configs/pascal_voc_R_50_C4_24k_moco.yaml`; warm-up of 100
iterations from 1/1000. MoCo's README asks for 5 trials: the deviation is about 0.2 AP, 0.2 AP50 and
0.4 AP75. Model and departures: `_base_/models/faster-rcnn_resnet50_c4.py`, data and measure:
`_base_/datasets/voc0712.py`.
"""

_base_ = [
    "../_base_/models/faster-rcnn_resnet50_c4.py",
    "../_base_/datasets/voc0712.py",
    "../_base_/schedules/c4_sgd.py",
    "../_base_/mmdet_c4_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="faster-rcnn-c4",
    display="Faster R-CNN C4 24k",
    backbone="resnet50",
    profiles=["paper"],
    data="voc0712",
    main_metric="val/bbox_mAP",
    seeds=5,
)
model = dict(roi_head=dict(bbox_head=dict(num_classes=20)))
custom_imports = dict(
    imports=[
        "mrcl_bench.models.res5",
        "mrcl_bench.engine.precise_norm",
        "mrcl_bench.data.voc_devkit",
        "mrcl_bench.jobs.voc_metric",
    ],
    allow_failed_imports=False,
)
train_dataloader = dict(batch_size=2, sampler=dict(type="InfiniteSampler", shuffle=True))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=24000, val_interval=24000)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=100, by_epoch=False),
    dict(
        type="MultiStepLR",
        begin=0,
        end=24000,
        milestones=[18000, 22000],
        gamma=0.1,
        by_epoch=False,
    ),
]
