_base_ = [
    "../_base_/models/frozen_vit-128x4.py",
    "../_base_/datasets/stamps48_frozen.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="knn",
    family="knn",
    display="k-NN",
    backbone="vit-128x4",
    profiles=["tiny", "small"],
    data="stamps",
    main_metric="val/accuracy",
    seeds=5,
    batched=True,
)
knn = dict(held_out=0.2, k=[1, 5, 10, 20, 50, 100], temperature=0.07)
