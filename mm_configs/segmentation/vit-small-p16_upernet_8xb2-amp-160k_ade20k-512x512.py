"""UPerNet over ViT-S/16, 160,000 iterations of ADE20K at batch 16: rate 3e-5, layer decay 0.9.

Source: iBOT `evaluation/semantic_segmentation/configs/upernet/vit_small_512_ade20k_160k_ms.py`
(and the command for ViT-S in its evaluation/README.md), the one public UPerNet protocol for
self-supervised ViT-S: mmseg's MAE and BEiT have no ViT-S, its DeiT-S has no layer decay. Evaluated
at one scale. All else is as for ViT-B.
"""

_base_ = [
    "../_base_/models/upernet_vit-small-p16.py",
    "../_base_/datasets/ade20k-512x512.py",
    "../_base_/schedules/ade20k_160k_adamw-layer-decay.py",
    "../_base_/mmseg_runtime.py",
]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="upernet",
    display="UPerNet 160k",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="ade20k",
    main_metric="val/mIoU",
    seeds=3,
)
custom_imports = dict(
    imports=["mrcl_bench.models", "mrcl_bench.models.layer_decay"], allow_failed_imports=False
)
train_dataloader = dict(batch_size=2)
optim_wrapper = dict(optimizer=dict(lr=3e-5), paramwise_cfg=dict(layer_decay_rate=0.9))
