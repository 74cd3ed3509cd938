"""ViT-B/16 with a linear head on the mean patch token, trained end to end as MAE is fine-tuned.

Source: mmpretrain `mae/benchmarks/vit-base-p16_8xb128-coslr-100e_in1k.py`. One departure: there
the mean of the raw tokens passes a new norm (`avg_featmap`, a second norm that no pretraining
has); here the pretrained final norm stays and its tokens are averaged, so that every weight of
the backbone comes from the checkpoint.
"""

_base_ = ["./frozen_vit-base-p16.py"]

model = dict(
    data_preprocessor=dict(num_classes=1000),
    backbone=dict(drop_path_rate=0.1),
    head=dict(
        type="LinearClsHead",
        num_classes=1000,
        in_channels=768,
        loss=dict(type="LabelSmoothLoss", label_smooth_val=0.1, mode="original"),
        topk=(1,),
        init_cfg=[dict(type="TruncNormal", layer="Linear", std=2e-5)],
    ),
    train_cfg=dict(augments=[dict(type="Mixup", alpha=0.8), dict(type="CutMix", alpha=1.0)]),
)
