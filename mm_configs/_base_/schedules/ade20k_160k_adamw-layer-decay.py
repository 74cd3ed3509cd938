"""160,000 iterations of AdamW with layer decay for ViTs at batch 16, in mixed precision.

Source: mmseg `mae/mae-base_upernet_8xb2-amp-160k_ade20k-512x512.py`, which BEiT's and iBOT's files
share but for rate and layer decay: each protocol sets these two. mmseg asks for mixed precision by
a key that nothing reads (`fp16`) and trains in single precision; here it is on, as in BEiT.
Positions and the class token have no weight decay: mmseg's and BEiT's constructors mean the same
but look for the names without `backbone.`, so that there they do decay.
"""

_base_ = ["./ade20k_160k.py"]

optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(type="AdamW", betas=(0.9, 0.999), weight_decay=0.05),
    constructor="BackboneLayerDecay",
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={".cls_token": dict(decay_mult=0.0), ".pos_embed": dict(decay_mult=0.0)},
    ),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-6, begin=0, end=1500, by_epoch=False),
    dict(type="PolyLR", eta_min=0.0, power=1.0, begin=1500, end=160000, by_epoch=False),
]
