"""Mask R-CNN over ViT-B/16 with global attention, on ViTDet-B's schedule (100 epochs, batch 64).

Schedule: detectron2 `mask_rcnn_vitdet_b_100ep.py`. **Not comparable with ViTDet's published
numbers**: the backbone has no windows and no relative positions, see
`_base_/models/mask-rcnn_vit-base-p16-global_simple-fpn.py`. Global attention over 4,096 tokens
in all blocks costs more than ViTDet's as well. A variant of ViTDet itself,
`mask-rcnn_vit-base-p16_simple-fpn_8xb8-amp-lsj-184375iters_coco.py`.
"""

_base_ = [
    "../_base_/models/mask-rcnn_vit-base-p16-global_simple-fpn.py",
    "../_base_/datasets/coco_instance_lsj1024.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn-global",
    display="Mask R-CNN 100e, global attention",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="coco",
    main_metric="val/bbox_mAP",
    seeds=1,
    on_request=True,
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
        custom_keys={".pos_embed": dict(decay_mult=0.0)},
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
