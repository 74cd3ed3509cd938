_base_ = [
    "../../../mm_configs/_base_/models/simclr_vit-128x4.py",
    "../../../mm_configs/_base_/datasets/stamps48_two-views.py",
    "../../../mm_configs/_base_/schedules/stamps_pretrain.py",
    "../../../mm_configs/_base_/iter_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="simclr",
    display="SimCLR",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=32, dataset=dict(data_root="data/stamps-micro/pretrain"))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=14, val_interval=14)
param_scheduler = [dict(type="CosineAnnealingLR", end=14, by_epoch=False)]
default_hooks = dict(checkpoint=dict(interval=7))
