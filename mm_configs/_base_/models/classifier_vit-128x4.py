"""vit-128x4 with a linear head on the mean patch token, trained end to end."""

_base_ = ["./frozen_vit-128x4.py"]

model = dict(
    data_preprocessor=dict(num_classes=12),
    head=dict(
        type="LinearClsHead",
        num_classes=12,
        in_channels=128,
        loss=dict(type="CrossEntropyLoss", loss_weight=1.0),
        topk=(1,),
    ),
)
