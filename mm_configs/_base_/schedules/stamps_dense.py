"""Detection and segmentation on Stamps: AdamW, evaluated once, at the end.

A protocol adds the number of iterations (``train_cfg``) and its warm-up and cosine
(``param_scheduler``).
"""

val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
