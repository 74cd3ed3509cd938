_base_ = [
    "../../_base_/models/supervised_vit-128x4.py",
    "../../_base_/datasets/stamps48_supervised.py",
    "../../_base_/schedules/stamps_pretrain_2000iters.py",
    "../../_base_/iter_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="supervised",
    display="Supervised",
    backbone="vit-128x4",
    profiles=["small"],
    data="stamps",
    role="ceiling",
    source="mmpretrain",
)
