"""State dicts as publishers save them: true key names, weights that are only told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import networks

if TYPE_CHECKING:
    from torch import Tensor

State = dict[str, Any]


def resnet(prefix: str = "", depth: int = 18, rename: Callable[[str], str] = str) -> State:
    """A ResNet by torchvision's names, without memory."""
    import torch

    from mrcl_bench.convert.dialects._expected import expected

    base = networks.RESNET50 if depth == 50 else networks.RESNET18
    shapes = dict(expected(networks.architecture(base)))
    for name in [name for name in shapes if name.endswith("running_var")]:
        shapes[name.replace("running_var", "num_batches_tracked")] = ()
    return {prefix + rename(k): torch.empty(s, device="meta") for k, s in shapes.items()}


def vit(prefix: str = "", dialect: str = "timm", **changes: Any) -> State:
    """A small ViT by a library's names, with random weights."""
    from mrcl_bench.convert.dialects import dialects

    network = networks.architecture(networks.VIT, **changes)
    named = dialects()[dialect].from_common(networks.weights(network), network)
    return {prefix + key: value for key, value in named.items()}


def other(*keys: str) -> State:
    """Weights that are no backbone's."""
    import torch

    return {key: torch.ones(2, 2) for key in keys}


def linear(*names: str) -> State:
    return other(*(f"{name}.{part}" for name in names for part in ("weight", "bias")))


def numbered(name: str) -> str:
    """Torchvision's names as ``nn.Sequential(*resnet.children())`` has them."""
    child, _, rest = name.partition(".")
    order = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    return f"{order.index(child)}.{rest}"


def detectron2(name: str) -> str:
    """Torchvision's names as detectron2's converter of torchvision's models renames them."""
    if "layer" not in name:
        name = f"stem.{name}"
    for number in (1, 2, 3, 4):
        name = name.replace(f"layer{number}", f"res{number + 1}")
        name = name.replace(f"bn{number}", f"conv{number}.norm")
    return name.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")


def caffe2(name: str) -> str:
    """Torchvision's names as the blobs of the MSRA models have them."""
    parts = {"weight": "s", "bias": "b", "running_mean": "rm", "running_var": "riv"}
    *path, last = name.split(".")
    if len(path) == 1:
        return "conv1_w" if path[0] == "conv1" else f"res_conv1_bn_{parts[last]}"
    stage, block, layer = int(path[0][-1]) + 1, path[1], path[2]
    norm = layer.startswith("bn") or path[-1] == "1"
    branch = "1" if layer == "downsample" else "2" + "abc"[int(layer[-1]) - 1]
    return f"res{stage}_{block}_branch{branch}{'_bn_' + parts[last] if norm else '_w'}"


def msra(depth: int = 50) -> State:
    """Caffe2's blobs: batch norms are scale and shift alone."""
    left = ("running_mean", "running_var", "num_batches_tracked")
    state = resnet(depth=depth)
    return {caffe2(k): v for k, v in state.items() if k.rpartition(".")[2] not in left}


def hugging_face(prefix: str = "", dinov2: bool = False, **changes: Any) -> State:
    """timm's names as transformers has them, query, key and value apart."""
    state: State = {}
    for key, value in vit(layer_scale=dinov2, **changes).items():
        _, number, *rest = key.split(".") if key.startswith("blocks") else ("", "", key)
        layer, part = f"encoder.layer.{number}", rest[-1]
        name = ".".join(rest[:-1]) if number else key.rpartition(".")[0]
        if name == "attn.qkv":
            for third, tensor in zip(("query", "key", "value"), value.chunk(3), strict=True):
                state[f"{layer}.attention.attention.{third}.{part}"] = tensor
            continue
        old = {
            "norm1": "layernorm_before",
            "norm2": "layernorm_after",
            "attn.proj": "attention.output.dense",
            "mlp.fc1": "intermediate.dense",
            "mlp.fc2": "output.dense",
        }
        new = {"attn.proj": "attention.output.dense", "ls1": "layer_scale1", "ls2": "layer_scale2"}
        if number:
            part = "lambda1" if part == "gamma" else part
            state[f"{layer}.{(new if dinov2 else old).get(name, name)}.{part}"] = value
            continue
        top = {
            "cls_token": "embeddings.cls_token",
            "pos_embed": "embeddings.position_embeddings",
            "reg_token": "embeddings.register_tokens",
            "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
            "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
            "norm.weight": "layernorm.weight",
            "norm.bias": "layernorm.bias",
        }
        state[top[key]] = value
    return {prefix + key: value for key, value in state.items()}


@dataclass(frozen=True)
class Case:
    """A layout.

    Attributes:
        source: The one format that is to recognise it.
        state: Makes the state dict.
        online: Prefix of the backbone's keys; None where keys are not only renamed.
        kinds: What is dropped.
        momentum: Prefix of the moving average's keys; None where there is none.
        label: Architecture that is to be read off.
    """

    source: str
    state: Callable[[], State]
    online: str | None
    kinds: Iterable[str] = ()
    momentum: str | None = None
    label: str = "resnet-18"
    traits: dict[str, Any] = field(default_factory=dict)


def wrapped(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


def registers() -> State:
    """DINOv2 with registers: positions are of class token and patches."""
    state = vit(layer_scale=True, register_tokens=2, prefix_positions=1)
    positions = state.pop("pos_embed")
    import torch

    state["pos_embed"] = torch.cat((positions[:, :1], positions[:, 3:]), dim=1)
    state["register_tokens"] = state.pop("reg_token")
    return {**state, **other("mask_token")}


def chunked() -> State:
    """DINOv2's blocks in two chunks, as it trains them."""
    found = {}
    for key, value in vit("teacher.backbone.", layer_scale=True).items():
        head, mark, rest = key.partition("blocks.")
        found[f"{head}{mark}{rest[0]}.{rest}" if mark else key] = value
    return {**found, **other("teacher.backbone.mask_token"), **linear("teacher.dino_head.mlp.0")}


DINO_HEAD = ("head.mlp.0", "head.mlp.2", "head.mlp.4")
V = "vit-24x2-p4"
CASES: dict[str, Case] = {
    "moco": Case(
        "moco",
        lambda: {
            **resnet("module.encoder_q."),
            **resnet("module.encoder_k."),
            **linear("module.encoder_q.fc.0", "module.encoder_k.fc.0", "module.encoder_q.fc.2"),
            **other("module.queue", "module.queue_ptr"),
        },
        "module.encoder_q.",
        ("projector", "queue", "momentum"),
        "module.encoder_k.",
    ),
    "moco, lightning-bolts": Case(
        "moco",
        lambda: {
            **resnet("encoder_q."),
            **resnet("encoder_k."),
            **linear("encoder_q.fc", "encoder_k.fc", "head_q.0", "head_k.0"),
            **other("queue", "queue_ptr", "val_queue", "val_queue_ptr"),
            **other("queue.representations", "val_queue.pointer"),
        },
        "encoder_q.",
        ("projector", "queue", "momentum"),
        "encoder_k.",
    ),
    "moco v3, ViT": Case(
        "mocov3",
        lambda: {
            **vit("module.base_encoder."),
            **vit("module.momentum_encoder."),
            **linear("module.base_encoder.head.0", "module.momentum_encoder.head.0"),
            **other("module.base_encoder.head.1.running_mean", "module.predictor.0.weight"),
        },
        "module.base_encoder.",
        ("projector", "predictor", "momentum"),
        "module.momentum_encoder.",
        V,
    ),
    "moco v3, ResNet": Case(
        "mocov3",
        lambda: {
            **resnet("module.base_encoder."),
            **resnet("module.momentum_encoder."),
            **other("module.base_encoder.fc.0.weight", "module.predictor.0.weight"),
        },
        "module.base_encoder.",
        ("projector", "predictor", "momentum"),
        "module.momentum_encoder.",
    ),
    "mae": Case(
        "mae",
        lambda: {
            **vit(),
            **linear("decoder_embed", "decoder_norm", "decoder_pred"),
            **linear("decoder_blocks.0.norm1", "decoder_blocks.0.attn.qkv"),
            **other("mask_token", "decoder_pos_embed"),
        },
        "",
        ("decoder", "mask_token"),
        label=V,
    ),
    "mae, fine-tuned": Case(
        "mae", lambda: {**vit(final_norm="pooled"), **linear("head")}, "", ("head",), label=V
    ),
    "mae, encoder alone": Case("timm", vit, "", label=V),
    "dino": Case(
        "dino",
        lambda: {
            **vit("student.module.backbone."),
            **linear(*(f"student.module.{name}" for name in DINO_HEAD)),
            **other("student.module.head.last_layer.weight_g"),
            **vit("teacher.backbone."),
            **linear(*(f"teacher.{name}" for name in DINO_HEAD)),
            **other("teacher.head.last_layer.weight_v"),
        },
        "student.module.backbone.",
        ("projector", "momentum"),
        "teacher.backbone.",
        V,
    ),
    "dino, ResNet, teacher alone": Case(
        "dino",
        lambda: {**resnet("teacher.module.backbone."), **linear("teacher.module.head.mlp.0")},
        "teacher.module.backbone.",
        ("projector",),
    ),
    "dino, ResNet, backbone alone": Case("torchvision", resnet, ""),
    "dinov2": Case(
        "dinov2",
        lambda: {**vit(layer_scale=True), **other("mask_token")},
        "",
        ("mask_token",),
        label=V,
    ),
    "dinov2, registers": Case("dinov2", registers, None, ("mask_token",), label=V),
    "dinov2, training": Case("dinov2", chunked, None, ("mask_token", "projector"), label=V),
    "simsiam": Case(
        "simsiam",
        lambda: {
            **resnet("module.encoder."),
            **linear("module.encoder.fc.1", "module.predictor.3"),
            **other("module.encoder.fc.0.weight", "module.encoder.fc.7.running_mean"),
        },
        "module.encoder.",
        ("projector", "predictor"),
    ),
    "barlow twins": Case(
        "barlow_twins",
        lambda: {
            **resnet("module.backbone."),
            **other("module.projector.0.weight", "module.bn.running_mean"),
        },
        "module.backbone.",
        ("projector",),
    ),
    "vicreg": Case(
        "barlow_twins",
        lambda: {
            **resnet("module.backbone."),
            **linear("module.projector.0", "module.maps_projector.0", "module.classifier"),
        },
        "module.backbone.",
        ("projector", "head"),
    ),
    "swav": Case(
        "swav",
        lambda: {
            **resnet("module."),
            **linear("module.projection_head.0", "module.projection_head.3"),
            **other("module.prototypes.weight"),
        },
        "module.",
        ("projector", "prototypes"),
    ),
    "byol, lucidrains": Case(
        "byol",
        lambda: {
            **resnet("net."),
            **linear("net.fc", "online_encoder.net.fc", "target_encoder.net.fc"),
            **resnet("online_encoder.net."),
            **resnet("target_encoder.net."),
            **linear("online_encoder.projector.0", "target_encoder.projector.0"),
            **linear("online_predictor.0"),
        },
        "online_encoder.net.",
        ("projector", "predictor", "head", "copy", "momentum"),
        "target_encoder.net.",
    ),
    "byol, lucidrains, Lightning": Case(
        "byol",
        lambda: {
            **resnet("learner.net."),
            **resnet("learner.online_encoder.net."),
            **resnet("learner.target_encoder.net."),
            **linear("learner.online_encoder.projector.0", "learner.target_encoder.projector.0"),
            **linear("learner.online_predictor.0", "learner.online_encoder.net.fc"),
        },
        "learner.online_encoder.net.",
        ("projector", "predictor", "head", "copy", "momentum"),
        "learner.target_encoder.net.",
    ),
    "byol, lightning-bolts": Case(
        "byol",
        lambda: {
            **resnet("online_network.encoder."),
            **resnet("target_network.encoder."),
            **linear("online_network.projector.model.0", "target_network.projector.model.0"),
            **linear("online_network.predictor.model.0", "target_network.predictor.model.0"),
            **linear("predictor.model.0", "non_linear_evaluator.block_forward.2"),
        },
        "online_network.encoder.",
        ("projector", "predictor", "head", "momentum"),
        "target_network.encoder.",
    ),
    "byol, numbered": Case(
        "byol",
        lambda: {
            **resnet("online_network.encoder.", rename=numbered),
            **resnet("target_network.encoder.", rename=numbered),
            **linear("online_network.projetion.net.0", "target_network.projetion.net.0"),
        },
        None,
        ("projector", "momentum"),
        "target_network.encoder.",
    ),
    "solo-learn": Case(
        "solo_learn",
        lambda: {
            **resnet("backbone."),
            **linear("classifier", "projector.0", "projector.3"),
            **other("prototypes.0.weight", "local_memory_index", "local_memory_embeddings"),
        },
        "backbone.",
        ("head", "projector", "prototypes", "queue"),
    ),
    "solo-learn, before": Case(
        "solo_learn",
        lambda: {
            **resnet("encoder."),
            **resnet("momentum_encoder."),
            **linear("classifier", "projector.0", "momentum_projector.0", "predictor.0"),
            **other("queue", "queue_ptr"),
        },
        "encoder.",
        ("head", "projector", "predictor", "queue", "momentum"),
        "momentum_encoder.",
    ),
    "solo-learn, ViT": Case(
        "solo_learn",
        lambda: {
            **vit("backbone."),
            **vit("momentum_backbone."),
            **linear("classifier", "head.mlp.0", "momentum_head.mlp.0"),
            **other("head.last_layer.weight_g", "dino_loss_func.center"),
        },
        "backbone.",
        ("head", "loss", "momentum"),
        "momentum_backbone.",
        V,
    ),
    "solo-learn, All4One": Case(
        "solo_learn",
        lambda: {
            **resnet("backbone."),
            **resnet("momentum_backbone."),
            **linear("classifier", "projector.0", "momentum_projector.0"),
            **linear("predictor.0", "predictor2.0", "transformer_encoder.layers.0.linear1"),
            **other("queue", "queue_y", "queue_ptr", "queue_index", "pos_enc.penc.penc.inv_freq"),
        },
        "backbone.",
        ("head", "projector", "predictor", "transformer", "queue", "momentum"),
        "momentum_backbone.",
    ),
    "solo-learn, MAE": Case(
        "solo_learn",
        lambda: {
            **vit("backbone."),
            **linear("classifier", "decoder.decoder_embed", "decoder.decoder_blocks.0.norm1"),
            **other("decoder.mask_token", "decoder.decoder_pos_embed"),
        },
        "backbone.",
        ("head", "decoder"),
        label=V,
    ),
    "lightly": Case(
        "lightly",
        lambda: {
            **resnet("backbone.", rename=numbered),
            **linear("projection_head.layers.0", "projection_head.layers.3"),
        },
        None,
        ("projector",),
    ),
    "lightly, momentum": Case(
        "lightly",
        lambda: {
            **resnet("backbone.", rename=numbered),
            **resnet("backbone_momentum.", rename=numbered),
            **linear("projection_head.layers.0", "projection_head_momentum.layers.0"),
            **linear("prediction_head.layers.0"),
            **other("smog.group_features"),
        },
        None,
        ("projector", "predictor", "prototypes", "momentum"),
        "backbone_momentum.",
    ),
    "lightly, before": Case(
        "lightly",
        lambda: {
            **resnet("backbone.", rename=numbered),
            **resnet("momentum_backbone.", rename=numbered),
            **linear("projection_head.0", "momentum_projection_head.0", "prediction_head.0"),
        },
        None,
        ("projector", "predictor", "momentum"),
        "momentum_backbone.",
    ),
    "lightly, SimSiam before": Case(
        "lightly",
        lambda: {
            **resnet("backbone.", rename=numbered),
            **linear("projection_mlp.0.0", "prediction_mlp.0.0"),
        },
        None,
        ("projector", "predictor"),
    ),
    "lightly, DINO": Case(
        "lightly",
        lambda: {
            **resnet("student_backbone.", rename=numbered),
            **resnet("teacher_backbone.", rename=numbered),
            **linear("student_head.layers.0", "teacher_head.layers.0"),
            **other("student_head.last_layer.weight_g", "criterion.center"),
        },
        None,
        ("projector", "loss", "momentum"),
        "teacher_backbone.",
    ),
    "lightly, BYOL of its benchmarks": Case(
        "lightly",
        lambda: {
            **resnet("backbone.", 50),
            **resnet("teacher_backbone.", 50),
            **linear("projection_head.layers.0", "teacher_projection_head.layers.0"),
            **linear("prediction_head.layers.0", "online_classifier.linear"),
        },
        "backbone.",
        ("projector", "predictor", "head", "momentum"),
        "teacher_backbone.",
        "resnet-50",
    ),
    "lightly, DINO of its benchmarks": Case(
        "lightly",
        lambda: {
            **resnet("backbone.", 50),
            **resnet("student_backbone.", 50),
            **linear("projection_head.layers.0", "student_projection_head.layers.0"),
            **linear("online_classifier.linear"),
            **other("criterion.center", "student_projection_head.last_layer.weight_v"),
        },
        "student_backbone.",
        ("projector", "head", "loss", "momentum"),
        "backbone.",
        "resnet-50",
    ),
    "lightly, MoCo of its benchmarks": Case(
        "lightly",
        lambda: {
            **resnet("backbone.", 50),
            **resnet("query_backbone.", 50),
            **linear("projection_head.layers.0", "query_projection_head.layers.0"),
            **linear("online_classifier.linear"),
        },
        "query_backbone.",
        ("projector", "head", "momentum"),
        "backbone.",
        "resnet-50",
    ),
    "lightly, MSN": Case(
        "lightly",
        lambda: {
            **vit("backbone.vit.", "torchvision"),
            **vit("anchor_backbone.vit.", "torchvision"),
            **linear("projection_head.layers.0", "anchor_projection_head.layers.0"),
            **linear("backbone.vit.heads.head"),
            **other("prototypes", "backbone.mask_token", "anchor_backbone.mask_token"),
        },
        "anchor_backbone.vit.",
        ("projector", "prototypes", "mask_token", "head", "momentum"),
        "backbone.vit.",
        V,
    ),
    "lightly, MAE": Case(
        "lightly",
        lambda: {
            **vit("backbone.vit."),
            **linear("decoder.decoder_embed", "backbone.vit.head", "online_classifier.linear"),
            **other("backbone.mask_token", "decoder.mask_token"),
        },
        "backbone.vit.",
        ("decoder", "mask_token", "head"),
        label=V,
    ),
    "vissl": Case(
        "vissl",
        lambda: {
            **resnet("trunk._feature_blocks.", 50),
            **linear("heads.0.clf.0", "heads.0.clf.2"),
        },
        "trunk._feature_blocks.",
        ("head",),
        label="resnet-50",
    ),
    "vissl, linear evaluation": Case(
        "vissl",
        lambda: {
            **resnet("trunk.base_model._feature_blocks.", 50),
            **linear("trunk.feature_pool_ops.0.0", "heads.0.clf.0"),
        },
        "trunk.base_model._feature_blocks.",
        ("head",),
        label="resnet-50",
    ),
    "vissl, ViT": Case(
        "vissl",
        lambda: {
            **vit("trunk."),
            **linear("heads.0.clf.0"),
            **other("trunk.patch_masking.masked_embed"),
        },
        "trunk.",
        ("head", "mask_token"),
        label=V,
    ),
    "torchvision": Case("torchvision", lambda: {**resnet(), **linear("fc")}, "", ("head",)),
    "torchvision, ViT": Case(
        "torchvision",
        lambda: {**vit(dialect="torchvision"), **linear("heads.head")},
        "",
        ("head",),
        label=V,
    ),
    "timm": Case("timm", lambda: {**vit(), **linear("head")}, "", ("head",), label=V),
    "timm, no class token": Case(
        "timm",
        lambda: {
            **vit(cls_token=False, prefix_positions=0, final_norm="pooled"),
            **linear("head"),
        },
        "",
        ("head",),
        label=V,
    ),
    "transformers, ViT": Case(
        "transformers",
        lambda: {**hugging_face("vit."), **linear("classifier")},
        None,
        ("head",),
        label=V,
    ),
    "transformers, ViT model": Case(
        "transformers",
        lambda: {**hugging_face(), **linear("pooler.dense")},
        None,
        ("head",),
        label=V,
    ),
    "transformers, MAE": Case(
        "transformers",
        lambda: {
            **hugging_face("vit."),
            **other("decoder.mask_token", "decoder.decoder_pos_embed"),
        },
        None,
        ("decoder",),
        label=V,
    ),
    "transformers, DINOv2": Case(
        "transformers",
        lambda: {**hugging_face(dinov2=True), **other("embeddings.mask_token")},
        None,
        ("mask_token",),
        label=V,
    ),
    "detectron2, MSRA": Case(
        "detectron2",
        lambda: {**msra(), **other("fc1000_w", "fc1000_b", "conv1_w_momentum")},
        None,
        ("head", "optimizer"),
        label="resnet-50",
    ),
    "detectron2, from torchvision": Case(
        "detectron2",
        lambda: {**resnet(depth=50, rename=detectron2), **linear("stem.fc")},
        None,
        ("head",),
        label="resnet-50",
    ),
    "detectron2, FPN": Case(
        "detectron2",
        lambda: {
            **resnet("backbone.bottom_up.", 50, detectron2),
            **linear("backbone.fpn_lateral2", "backbone.fpn_output2"),
            **linear("proposal_generator.rpn_head.conv", "roi_heads.box_head.fc1"),
        },
        None,
        ("neck", "head"),
        label="resnet-50",
    ),
    "mmdet": Case(
        "mmdet",
        lambda: {
            **resnet("backbone.", 50),
            **linear("neck.lateral_convs.0.conv", "rpn_head.rpn_conv", "roi_head.bbox_head.fc_cls"),
        },
        "backbone.",
        ("neck", "head"),
        label="resnet-50",
    ),
    "mmseg": Case(
        "mmseg",
        lambda: {
            **vit("backbone.", "mmseg"),
            **linear("decode_head.conv_seg", "auxiliary_head.conv_seg"),
        },
        "backbone.",
        ("head",),
        label=V,
    ),
    "mmseg, ResNet": Case(
        "mmseg",
        lambda: {**resnet("backbone.", 50), **linear("decode_head.conv_seg")},
        "backbone.",
        ("head",),
        label="resnet-50",
    ),
    "mmseg, alone": Case("mmseg", lambda: vit(dialect="mmseg"), "", label=V),
    "mmpretrain": Case(
        "mmpretrain",
        lambda: {**vit("backbone.", "mmpretrain"), **linear("head.layers.head")},
        "backbone.",
        ("head",),
        label=V,
    ),
    "mmpretrain, MoCo": Case(
        "mmpretrain",
        lambda: {
            **resnet("backbone."),
            **resnet("encoder_k.module.0."),
            **linear("neck.mlp.0", "encoder_k.module.1.mlp.0"),
            **other("queue", "queue_ptr"),
        },
        "backbone.",
        ("neck", "momentum", "other"),
        "encoder_k.module.0.",
    ),
    "mmpretrain, alone": Case("mmpretrain", lambda: vit(dialect="mmpretrain"), "", label=V),
    "mrcl": Case(
        "mrcl",
        lambda: {
            **vit("backbone.", "mmpretrain"),
            **vit("momentum_encoder.module.0.", "mmpretrain"),
            **linear("neck.0", "contrast_head.predictor.0", "decoder.decoder_embed"),
        },
        "backbone.",
        ("neck", "head", "momentum"),
        "momentum_encoder.module.0.",
        V,
    ),
}


def same(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors are one, or equal where they have memory."""
    import torch

    return first is second or (not first.is_meta and torch.equal(first, second))
