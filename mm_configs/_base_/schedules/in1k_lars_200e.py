"""LARS for 200 epochs at batch 4096: SimCLR's and MRCL's schedule on ResNet-50.

Source: mmpretrain `simclr/simclr_resnet50_16xb256-coslr-200e_in1k.py`. Norms and biases have no
decay and no layer-wise rate.
"""

optim_wrapper = dict(
    type="OptimWrapper",
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
    dict(type="CosineAnnealingLR", T_max=190, begin=10, end=200, by_epoch=True),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=200)
auto_scale_lr = dict(enable=False, base_batch_size=4096)
