_base_ = [
    "../_base_/models/frozen_vit-128x4.py",
    "../_base_/datasets/stamps48_frozen.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear",
    family="linear",
    display="Linear probe",
    backbone="vit-128x4",
    profiles=["tiny", "small"],
    data="stamps",
    main_metric="val/accuracy",
    seeds=5,
    batched=True,
)
probe = dict(held_out=0.2, inverse_l2=[1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0], max_iter=500)
