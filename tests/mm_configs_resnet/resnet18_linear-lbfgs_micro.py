_base_ = [
    "../../mm_configs/_base_/models/frozen_vit-128x4.py",
    "../../mm_configs/_base_/datasets/stamps48_frozen.py",
    "../../mm_configs/_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear",
    family="linear",
    display="Linear probe",
    backbone="resnet18",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/accuracy",
    seeds=1,
    batched=True,
)
model = dict(backbone=dict(_delete_=True, type="ResNet", depth=18))
_root = "data/stamps-micro/classification/"
train_dataloader = dict(dataset=dict(data_root=_root + "train"))
val_dataloader = dict(dataset=dict(data_root=_root + "val"))
test_dataloader = dict(dataset=dict(data_root=_root + "novel"))
probe = dict(held_out=0.2, inverse_l2=[1e-3, 1e-2, 1e-1], max_iter=200)
