"""MRCL on ViT-S/16, 300 epochs at batch 4096: ViT-B's recipe on the smaller network.

Views, optimiser, schedule and batch are MoCo v3's (mmpretrain
`mocov3/mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k.py`). The patch projection is trained, and
the gradient is clipped, as on ViT-B.
"""

_base_ = [
    "../../_base_/models/mrcl_vit-small-p16.py",
    "../../_base_/datasets/in1k_two-views_mocov3.py",
    "../../_base_/schedules/in1k_adamw-mocov3_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mrcl",
    display="MRCL",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    role="method",
    source="mrcl",
)
train_dataloader = dict(batch_size=512)
optim_wrapper = dict(clip_grad=dict(max_norm=3.0))
