"""The Stamps schedule for 6 epochs of the 8,000 unlabelled pictures."""

_base_ = ["./stamps_pretrain.py"]

train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=6)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, end=1, by_epoch=True, convert_to_iter_based=True),
    dict(
        type="CosineAnnealingLR",
        begin=1,
        end=6,
        eta_min=1e-5,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
