_base_ = [
    "../../../mm_configs/_base_/models/classifier_vit-128x4.py",
    "../../../mm_configs/_base_/datasets/stamps48_labelled.py",
    "../../../mm_configs/_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="finetune",
    family="finetune",
    display="Fine-tuning",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/accuracy",
    seeds=1,
    batched=False,
)
_root = "data/stamps-micro/classification/"
train_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "train"))
val_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "val"))
test_dataloader = dict(batch_size=32, dataset=dict(data_root=_root + "novel"))
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=5e-4))
default_hooks = dict(checkpoint=None)
