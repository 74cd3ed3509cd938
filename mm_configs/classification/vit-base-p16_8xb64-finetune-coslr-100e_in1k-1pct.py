"""Semi-supervised: ViT-B/16 fine-tuned on 1 % of ImageNet-1k's labels by Semi-ViT's recipe.

Source: Semi-ViT (arXiv 2208.05688), supervised fine-tuning of MAE's ViT-B in
amazon-science/semi-vit: base rate 5e-5 at 256, batch 512, 100 epochs, layer decay 0.65, decay
0.05, RandAugment, label smoothing 0.1, no drop path, no mixing, no erasing; the rest as MAE. The
backbone pools after the final norm as in `vit-base-p16_8xb128-finetune-coslr-100e_in1k`. No
published protocol is known for ViT-S that does without the projector of the pretraining.

The subset is the list `data/imagenet/subsets/1percent.txt` of google-research/simclr
(`imagenet_subsets/`), which is not shipped. Without it 1 % of every class are drawn with a fixed
seed; the record says which it was.
"""

_base_ = ["./vit-base-p16_8xb128-finetune-coslr-100e_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="semi_supervised",
    family="finetune-1pct",
    display="Fine-tuning, 1 % of labels",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
    on_request=True,
)
model = dict(backbone=dict(drop_path_rate=0.0), train_cfg=None)
train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        type="ListedFolder",
        names="data/imagenet/subsets/1percent.txt",
        share=0.01,
        seed=0,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="RandomResizedCrop", scale=224, backend="pillow", interpolation="bicubic"),
            dict(type="RandomFlip", prob=0.5, direction="horizontal"),
            dict(
                type="RandAugment",
                policies="timm_increasing",
                num_policies=2,
                total_level=10,
                magnitude_level=9,
                magnitude_std=0.5,
                hparams=dict(pad_val=[104, 116, 124], interpolation="bicubic"),
            ),
            dict(type="PackInputs"),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=5e-5 * 512 / 256))
auto_scale_lr = dict(base_batch_size=512)
