"""MRCL on ViT-B/16, 300 epochs at batch 4096.

Views, optimiser, schedule and batch are MoCo v3's (mmpretrain
`mocov3/mocov3_vit-base-p16_16xb256-amp-coslr-300e_in1k.py`). MoCo v3 keeps the patch projection
fixed against unstable training; here it is trained, and the gradient is clipped instead.
"""

_base_ = [
    "../../_base_/models/mrcl_vit-base-p16.py",
    "../../_base_/datasets/in1k_two-views_mocov3.py",
    "../../_base_/schedules/in1k_adamw-mocov3_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mrcl",
    display="MRCL",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    role="method",
    source="mrcl",
)
train_dataloader = dict(batch_size=512)
optim_wrapper = dict(clip_grad=dict(max_norm=3.0))
