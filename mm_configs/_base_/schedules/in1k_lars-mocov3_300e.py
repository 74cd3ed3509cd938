"""LARS for 300 epochs at batch 4096: MoCo v3's schedule on ResNet-50.

Source: mmpretrain `mocov3/mocov3_resnet50_8xb512-amp-coslr-300e_in1k.py`. Norms and biases have no
decay and no layer-wise rate.
"""

optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(type="LARS", lr=4.8, momentum=0.9, weight_decay=1e-6),
    paramwise_cfg=dict(
        custom_keys={
            "bn": dict(decay_mult=0, lars_exclude=True),
            "bias": dict(decay_mult=0, lars_exclude=True),
            "downsample.1": dict(decay_mult=0, lars_exclude=True),
        }
    ),
)
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        begin=0,
        end=10,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        T_max=290,
        begin=10,
        end=300,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=300)
auto_scale_lr = dict(enable=False, base_batch_size=4096)
