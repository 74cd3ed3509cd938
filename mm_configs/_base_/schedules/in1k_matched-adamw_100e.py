"""AdamW for 100 epochs at batch 1024: what all matched ViT recipes share.

MoCo v3 and MAE on ViT were published with the same rate, 1.5e-4 for each 256 pictures of a batch,
and that is taken. Where the two disagree (betas, decay, clipping), these are the values of the
recipes on Stamps (`stamps_pretrain.py`), chosen for the same purpose. A tenth of the epochs is
warm-up. Norms, biases and tokens have no decay.
"""

optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(type="AdamW", lr=1.5e-4 * 1024 / 256, betas=(0.9, 0.95), weight_decay=0.05),
    clip_grad=dict(max_norm=3.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={"mask_token": dict(decay_mult=0.0), "cls_token": dict(decay_mult=0.0)},
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
        T_max=90,
        begin=10,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
auto_scale_lr = dict(enable=False, base_batch_size=1024)
