_base_ = [
    "../_base_/models/classifier_vit-128x4.py",
    "../_base_/datasets/stamps48_labelled.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="finetune",
    family="finetune",
    display="Fine-tuning",
    backbone="vit-128x4",
    profiles=["small"],
    data="stamps",
    main_metric="val/accuracy",
    seeds=2,
)
train_dataloader = dict(batch_size=64)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=10)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05),
    clip_grad=dict(max_norm=3.0),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, end=1, by_epoch=True, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", begin=1, end=10, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=None)
