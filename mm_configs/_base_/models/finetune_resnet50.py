"""ResNet-50 with a linear head, trained end to end.

Source: mmpretrain `_base_/models/resnet50.py`.
"""

_base_ = ["./frozen_resnet50.py"]

model = dict(
    data_preprocessor=dict(num_classes=1000),
    head=dict(
        type="LinearClsHead",
        num_classes=1000,
        in_channels=2048,
        loss=dict(type="CrossEntropyLoss", loss_weight=1.0),
        topk=(1,),
    ),
)
