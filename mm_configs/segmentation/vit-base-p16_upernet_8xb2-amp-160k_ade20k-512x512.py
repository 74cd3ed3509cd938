"""UPerNet over ViT-B/16, 160,000 iterations of ADE20K at batch 16: rate 1e-4, layer decay 0.65.

Source: mmseg `mae/mae-base_upernet_8xb2-amp-160k_ade20k-512x512.py`. The published protocols for
this network differ in these two: `vit-base-p16_upernet-beit_…` beside this file has BEiT's 7e-4
and 0.65, `vit-base-p16_upernet-longseq_…` long-sequence MAE's 8e-5 and 0.8. Departures:
`_base_/models/upernet_vit-base-p16.py` (network) and
`_base_/schedules/ade20k_160k_adamw-layer-decay.py` (precision, weight decay).
"""

_base_ = [
    "../_base_/models/upernet_vit-base-p16.py",
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
    backbone="vit-base-p16",
    profiles=["paper"],
    data="ade20k",
    main_metric="val/mIoU",
    seeds=3,
)
custom_imports = dict(
    imports=["mrcl_bench.models", "mrcl_bench.models.layer_decay"], allow_failed_imports=False
)
train_dataloader = dict(batch_size=2)
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(layer_decay_rate=0.65))
