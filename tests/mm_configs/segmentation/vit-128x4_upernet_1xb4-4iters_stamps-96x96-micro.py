_base_ = [
    "../../../mm_configs/_base_/models/upernet_vit-128x4.py",
    "../../../mm_configs/_base_/datasets/stamps96_ade.py",
    "../../../mm_configs/_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="upernet",
    display="UPerNet",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/mIoU",
    seeds=1,
)
default_scope = "mmseg"
visualizer = dict(type="SegLocalVisualizer")
_root = "data/stamps-micro/segmentation"
train_dataloader = dict(batch_size=4, dataset=dict(data_root=_root))
val_dataloader = dict(dataset=dict(data_root=_root))
test_dataloader = dict(dataset=dict(data_root=_root))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=4, val_interval=4)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3))
default_hooks = dict(checkpoint=None)
