"""ViTDet-B: Mask R-CNN over ViT-B/16, 184,375 iterations of COCO at batch 64 (100 epochs).

Source: detectron2 `projects/ViTDet/configs/COCO/mask_rcnn_vitdet_b_100ep.py`: large-scale jitter to
1024 px, AdamW at 1e-4 with decay 0.1 (none on positions and on the backbone's norms, as in
`configs/common/optim.py`), layer decay 0.7, drop path 0.1, steps at 163,889 and 177,546, warm-up of
250 iterations from 1/1000, mixed precision. Comparable with its published 51.6 box and 45.9 mask AP
(from MAE). Model and departures: `_base_/models/mask-rcnn_vit-base-p16_simple-fpn.py`.

8 GPUs with 8 pictures each: detectron2 spread the same batch over 64 GPUs.
"""

_base_ = [
    "../_base_/models/mask-rcnn_vit-base-p16_simple-fpn.py",
    "../_base_/datasets/coco_instance_lsj1024.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="vitdet",
    display="ViTDet 100e",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="coco",
    main_metric="val/bbox_mAP",
    seeds=1,
)
default_scope = "mmdet"
custom_imports = dict(
    imports=["mrcl_bench.models", "mrcl_bench.models.layer_decay"], allow_failed_imports=False
)
visualizer = dict(type="DetLocalVisualizer")
train_dataloader = dict(batch_size=8)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=184375, val_interval=184375)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(type="AdamW", lr=1e-4, betas=(0.9, 0.999), weight_decay=0.1),
    constructor="BackboneLayerDecay",
    paramwise_cfg=dict(
        layer_decay_rate=0.7,
        norm_decay_mult=0.0,
        # detectron2's layer norm of maps is none of the types that it spares from decay
        custom_keys={
            ".pos_embed": dict(decay_mult=0.0),
            "neck.": dict(decay_mult=1.0),
            "roi_head.": dict(decay_mult=1.0),
        },
    ),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=250, by_epoch=False),
    dict(
        type="MultiStepLR",
        begin=0,
        end=184375,
        milestones=[163889, 177546],
        gamma=0.1,
        by_epoch=False,
    ),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5000, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=64)
