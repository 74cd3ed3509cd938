_base_ = [
    "../../_base_/models/mrcl_vit-128x4.py",
    "../../_base_/datasets/stamps48_two-views.py",
    "../../_base_/schedules/stamps_pretrain_2000iters.py",
    "../../_base_/iter_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mrcl",
    display="MRCL",
    backbone="vit-128x4",
    profiles=["small"],
    data="stamps",
    role="method",
    source="mrcl",
    keep=[0.25, 0.5, 0.75],
    measure_on="classification/train",
)
