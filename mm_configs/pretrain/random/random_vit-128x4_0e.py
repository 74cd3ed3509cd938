_base_ = [
    "../../_base_/models/simclr_vit-128x4.py",
    "../../_base_/datasets/stamps48_two-views.py",
    "../../_base_/schedules/stamps_pretrain_250iters.py",
    "../../_base_/iter_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="random",
    display="Random init",
    backbone="vit-128x4",
    profiles=["tiny", "small"],
    data="stamps",
    role="floor",
    source="mmpretrain",
)
