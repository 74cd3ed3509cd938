_base_ = [
    "../../_base_/models/mae_vit-128x4.py",
    "../../_base_/datasets/stamps48_mae_fused.py",
    "../../_base_/schedules/stamps_pretrain_250iters.py",
    "../../_base_/iter_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mae",
    display="MAE",
    backbone="vit-128x4",
    profiles=["tiny"],
    data="stamps",
    role="baseline",
    source="mmpretrain",
)
