_base_ = [
    "../../../mm_configs/_base_/models/frozen_vit-128x4.py",
    "../../../mm_configs/_base_/datasets/stamps48_labelled.py",
    "../../../mm_configs/_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-lars",
    display="Linear probe (LARS)",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/accuracy",
    seeds=1,
    on_request=True,
)
probe = dict(held_out=0.2)
model = dict(
    type="FrozenClassifier",
    head=dict(
        type="ParallelLinearHeads",
        num_classes=12,
        in_channels=128,
        lr=[3.0, 10.0, 30.0],
        norm_eps=1e-6,
        truncated=True,
    ),
)
_root = "data/stamps-micro/classification/"
train_dataloader = dict(batch_size=16, drop_last=True, dataset=dict(data_root=_root + "train"))
val_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "val"))
test_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "novel"))
val_evaluator = dict(_delete_=True, type="HeadAccuracy")
test_evaluator = dict(_delete_=True, type="HeadAccuracy")
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=6)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="LARS", lr=10.0, momentum=0.9, weight_decay=0.0),
    constructor="OneRatePerHead",
    paramwise_cfg=dict(bias=dict(lars_exclude=True)),
)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=6, begin=0, end=6, by_epoch=True)]
default_hooks = dict(checkpoint=None)
