"""The Stamps pretraining schedule for 2,000 iterations: AdamW, warm-up, cosine.

By iteration, because the labelled set is smaller than the unlabelled one: with equal batches,
equal iterations are equal images.
"""

_base_ = ["./stamps_pretrain.py"]

train_cfg = dict(type="IterBasedTrainLoop", max_iters=2000, val_interval=2000)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, end=100, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=100, end=2000, eta_min=1e-5, by_epoch=False),
]
