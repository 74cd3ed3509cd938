"""UPerNet over ViT-B/16 with the rates of long-sequence MAE: 8e-5, layer decay 0.8.

Source: what its author gives in facebookresearch/long_seq_mae issue 1, as there is no config:
160,000 iterations at batch 16, 512 px, drop path 0.1; for the rest it refers to BEiT and ConvNeXt,
so all else, mixed precision included, is as in
`vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512.py`.
"""

_base_ = ["./vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512.py"]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="upernet-longseq",
    display="UPerNet 160k, long-seq MAE's rates",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="ade20k",
    main_metric="val/mIoU",
    seeds=3,
    on_request=True,
)
optim_wrapper = dict(optimizer=dict(lr=8e-5), paramwise_cfg=dict(layer_decay_rate=0.8))
