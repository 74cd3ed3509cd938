_base_ = [
    "../../../mm_configs/_base_/models/frozen_vit-128x4.py",
    "../../../mm_configs/_base_/datasets/stamps48_frozen.py",
    "../../../mm_configs/_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear",
    family="linear",
    display="Linear probe",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/accuracy",
    seeds=2,
    batched=True,
)
_root = "data/stamps-micro/classification/"
train_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "train"))
val_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "val"))
test_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "novel"))
probe = dict(held_out=0.2, inverse_l2=[1e-3, 1e-2, 1e-1], max_iter=200)
