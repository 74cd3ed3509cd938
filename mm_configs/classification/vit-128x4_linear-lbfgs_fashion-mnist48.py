_base_ = [
    "../_base_/models/frozen_vit-128x4.py",
    "../_base_/datasets/fashion-mnist48_frozen.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear",
    family="linear-fashion",
    display="Linear probe, Fashion-MNIST",
    backbone="vit-128x4",
    profiles=["small"],
    data="fashion-mnist",
    main_metric="val/accuracy",
    seeds=5,
    batched=True,
)
probe = dict(held_out=0.2, inverse_l2=[1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0], max_iter=500)
