_base_ = [
    "../../_base_/models/supervised_vit-128x4.py",
    "../../_base_/datasets/stamps48_labelled.py",
    "../../_base_/schedules/stamps_pretrain_6e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="supervised",
    display="Supervised",
    backbone="vit-128x4",
    profiles=["tiny"],
    data="stamps",
    role="ceiling",
    source="mmpretrain",
)
# 16 epochs of 3,000 labelled pictures are the images that 6 epochs of 8,000 unlabelled ones are.
train_cfg = dict(max_epochs=16)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, end=2, by_epoch=True, convert_to_iter_based=True),
    dict(
        type="CosineAnnealingLR",
        begin=2,
        end=16,
        eta_min=1e-5,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
