"""SimCLR on ViT-S/16, 300 epochs at batch 4096.

No published config exists. Views, optimiser, schedule and batch are MoCo v3's (mmpretrain
`mocov3/mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k.py`), so that the two differ in the method
alone.
"""

_base_ = [
    "../../_base_/models/simclr_vit-small-p16.py",
    "../../_base_/datasets/in1k_two-views_mocov3.py",
    "../../_base_/schedules/in1k_adamw-mocov3_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="simclr",
    display="SimCLR",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=256)
