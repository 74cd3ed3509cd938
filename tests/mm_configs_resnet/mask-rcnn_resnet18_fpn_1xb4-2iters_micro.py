_base_ = [
    "../../mm_configs/_base_/models/mask-rcnn_vit-128x4_fpn.py",
    "../../mm_configs/_base_/datasets/stamps96_coco.py",
    "../../mm_configs/_base_/schedules/stamps_dense.py",
    "../../mm_configs/_base_/mmdet_stamps_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn",
    display="Mask R-CNN",
    backbone="resnet18",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/bbox_mAP",
    seeds=1,
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=2, val_interval=2)
model = dict(
    backbone=dict(_delete_=True, type="mmpretrain.ResNet", depth=18, out_indices=(0, 1, 2, 3)),
    neck=dict(
        _delete_=True,
        type="FPN",
        in_channels=[64, 128, 256, 512],
        out_channels=64,
        num_outs=4,
    ),
)
_root = "data/stamps-micro/detection/"
train_dataloader = dict(batch_size=4, dataset=dict(data_root=_root))
val_dataloader = dict(dataset=dict(data_root=_root))
test_dataloader = dict(dataset=dict(data_root=_root))
val_evaluator = dict(ann_file=_root + "annotations/instances_val.json")
test_evaluator = dict(ann_file=_root + "annotations/instances_novel.json")
