"""Masked Reconstruction Contrastive Learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS
from torch import nn
from torch.nn import functional

from .masked_vit import MaskedViT
from .masking import CellMasking, Encoded, Masker, TokenMasking, Views
from .momentum import MomentumEncoder

_GRAD_SCALE = 1024.0
"""Keeps small gradients from vanishing in half precision while they are measured."""


def embedding_std(vectors: torch.Tensor) -> torch.Tensor:
    """Measures how far a batch of embeddings has collapsed.

    Args:
        vectors: (B, D).

    Returns:
        Standard deviation over the batch of the L2-normalised vectors, averaged over
        dimensions and multiplied by sqrt(D): 0 is collapse, about 1 an even spread.
    """
    unit = functional.normalize(vectors.detach().float(), dim=1)
    return unit.std(dim=0, unbiased=False).mean() * unit.shape[1] ** 0.5


def _thrifty(decoder: dict) -> dict:
    """Takes the same decoder that leaves out what no loss looks at, where a config has MAE's."""
    known = ("MAEPretrainDecoder", "mmpretrain.MAEPretrainDecoder")
    return {**decoder, "type": "HiddenDecoder"} if decoder["type"] in known else decoder


@MODELS.register_module()
class MRCL(BaseSelfSupervisor):
    """Contrasts masked views with a momentum encoder and reconstructs what was hidden.

    Source: Liu et al., *Masked Reconstruction Contrastive Learning with Information
    Bottleneck Principle*, arXiv 2211.09013. Only its abstract was at hand. The abstract
    states that masking serves as the stronger augmentation that removes redundant and
    noisy information, and that reconstruction regularises the discriminative task
    against overfitting to it. Everything else is our own choice: the momentum encoder
    and the predictor (as in MoCo v3), which view is masked, InfoNCE and its
    temperature, MAE's decoder and per-patch normalised pixels, every ratio and weight,
    and the form for convolutional backbones. No number here is the paper's.

    With views v1, v2, each masked on its own::

        q_i   = predictor(projector(pool(encoder(visible(v_i)))))
        k_j   = projector_m(pool(encoder_m(v_j)))          no mask, no gradient
        L_con = InfoNCE(q_1, k_2) + InfoNCE(q_2, k_1)      keys gathered over ranks
        L_rec = MSE(decoder(encoder(visible(v_i))), v_i)   on the hidden patches
        L     = contrast_weight * L_con + reconstruct_weight * L_rec

    A part that a setting switches off is not built and costs nothing:

    - ``mask_ratio=0``: whole views are encoded. With nothing hidden the
      reconstruction, if it is on, covers all patches.
    - ``reconstruct_weight=0``: no decoder.
    - ``contrast_weight=0``: no momentum branch, projector or predictor: a masked
      autoencoder. Only `reconstruct_views` views are then encoded.

    Both views pass the encoder and the projector as one batch of 2B, so batch norms see
    them together.

    Args:
        backbone: A `MaskedViT`, masked by tokens, or a convolutional backbone whose last
            output is a map, masked by cells of the image.
        neck: Projector, (B, C) to (B, D), e.g. `NonLinearNeck(with_avg_pool=False)`.
        predictor: Predictor, (B, D) to (B, D), of the same kind.
        decoder: `MAEPretrainDecoder`, or `UpsampleDecoder` for a convolutional backbone.
        head: `MAEPretrainHead`, whose `patch_size` is the ViT's or `mask_cell`.
        temperature: InfoNCE temperature, positive.
        mask_ratio: Share of patches hidden in each view, in [0, 1).
        contrast_weight: Weight of L_con, not negative.
        reconstruct_weight: Weight of L_rec, not negative.
        reconstruct_views: 2, or 1 to decode the first view only.
        base_momentum: Share of the online weights that enters the momentum encoder at
            each step (mmengine's sense: 0.01 is a momentum of 0.99).
        momentum_schedule: ``"cosine"`` lowers it to `end_momentum` over the run's
            iterations, ``"constant"`` keeps it.
        end_momentum: See `momentum_schedule`.
        promote: Whose weights are to leave the run; only stored, for the conversion.
        pool: ViT only: ``"avg"`` over visible patches, or ``"cls"``.
        mask_cell: Convolutional only: side of a masked cell in pixels.
        grad_norm_interval: Every how many calls the gradient norm of each weighted term
            is measured; 0 never. It is the norm of the gradient with respect to the
            encoder's *output*, which costs a backward pass through decoder and
            projector but none through the encoder.
        pretrained: See `BaseSelfSupervisor`.
        data_preprocessor: See `BaseSelfSupervisor`.
        init_cfg: See `BaseSelfSupervisor`.

    Raises:
        ValueError: If a setting is out of range, or a part that is switched on has no
            config or does not fit the others.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        predictor: dict | None = None,
        decoder: dict | None = None,
        head: dict | None = None,
        temperature: float = 0.2,
        mask_ratio: float = 0.5,
        contrast_weight: float = 1.0,
        reconstruct_weight: float = 1.0,
        reconstruct_views: Literal[1, 2] = 2,
        base_momentum: float = 0.01,
        momentum_schedule: Literal["cosine", "constant"] = "cosine",
        end_momentum: float = 0.0,
        promote: Literal["online", "momentum"] = "online",
        pool: Literal["avg", "cls"] = "avg",
        mask_cell: int = 32,
        grad_norm_interval: int = 50,
        pretrained: str | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        contrasts, reconstructs = contrast_weight > 0, reconstruct_weight > 0
        if contrast_weight < 0 or reconstruct_weight < 0 or not (contrasts or reconstructs):
            raise ValueError("contrast_weight and reconstruct_weight: none below 0, not both 0.")
        if not 0.0 <= mask_ratio < 1.0:
            raise ValueError(f"mask_ratio must lie in [0, 1), got {mask_ratio}.")
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}.")
        if reconstruct_views not in (1, 2):
            raise ValueError(f"reconstruct_views must be 1 or 2, got {reconstruct_views}.")
        if momentum_schedule not in ("cosine", "constant"):
            raise ValueError(f"momentum_schedule is 'cosine' or 'constant': {momentum_schedule!r}.")
        if promote not in ("online", "momentum"):
            raise ValueError(f"promote must be 'online' or 'momentum', got {promote!r}.")
        if promote == "momentum" and not contrasts:
            raise ValueError("promote='momentum' needs a contrast_weight above 0.")
        needed = {"neck": neck, "predictor": predictor} if contrasts else {}
        needed |= {"decoder": decoder, "head": head} if reconstructs else {}
        missing = [name for name, config in needed.items() if config is None]
        if missing:
            raise ValueError(f"MRCL lacks a config for {' and '.join(missing)}.")

        super().__init__(
            backbone=backbone,
            neck=neck if contrasts else None,
            head=head if reconstructs else None,
            pretrained=pretrained,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        self.mask_ratio = mask_ratio
        self.contrast_weight = contrast_weight
        self.reconstruct_weight = reconstruct_weight
        self.reconstruct_views = reconstruct_views
        self.promote = promote
        self.grad_norm_interval = grad_norm_interval
        self._calls = 0
        self.masker: Masker = (
            TokenMasking(pool) if isinstance(self.backbone, MaskedViT) else CellMasking(mask_cell)
        )
        if contrasts:
            self._build_contrast(predictor, temperature)
            source = nn.Sequential(self.backbone, self.neck)
            end = end_momentum if momentum_schedule == "cosine" else None
            self.momentum_encoder = MomentumEncoder(source, base_momentum, end)
        if reconstructs:
            self.decoder = MODELS.build(_thrifty(decoder))
            self._check_decoder()

    def _build_contrast(self, predictor: dict, temperature: float) -> None:
        """Builds predictor and InfoNCE, which are MoCo v3's head."""
        if getattr(self.neck, "with_avg_pool", False):
            raise ValueError("MRCL pools by itself: set with_avg_pool=False in the neck.")
        self.contrast_head = MODELS.build(
            dict(
                type="MoCoV3Head",
                predictor=predictor,
                loss=dict(type="CrossEntropyLoss"),
                temperature=temperature,
            )
        )

    def _check_decoder(self) -> None:
        """Compares the sizes that decoder and head were given with the backbone's."""
        if isinstance(self.masker, CellMasking):
            expected = self.masker.cell
        else:
            expected = self.backbone.patch_embed.projection.kernel_size[0]
            patches = getattr(self.decoder, "num_patches", self.backbone.num_patches)
            if patches != self.backbone.num_patches:
                raise ValueError(
                    f"decoder has num_patches={patches}, the backbone {self.backbone.num_patches}."
                )
        if self.head.patch_size != expected:
            raise ValueError(f"head has patch_size={self.head.patch_size}, expected {expected}.")

    @property
    def promoted_prefix(self) -> str:
        """Where the promoted encoder's weights stand in the model's state_dict."""
        return "momentum_encoder.module.0." if self.promote == "momentum" else "backbone."

    def loss(
        self, inputs: Sequence[torch.Tensor] | torch.Tensor, data_samples: list | None = None, **_
    ) -> dict[str, torch.Tensor]:
        """Runs both branches on a batch.

        Args:
            inputs: Two views, each (B, 3, H, W), normalised. One view, bare or in a
                list, will do where only one is used.
            data_samples: Not used.

        Returns:
            `loss_contrast` and `loss_reconstruct`, weighted, where switched on;
            `embedding_std` (of the projections, or of the pooled features without a
            projector), and at every `grad_norm_interval`-th call `grad_norm_contrast`
            and `grad_norm_reconstruct`. All scalars.

        Raises:
            ValueError: If there are fewer views than the settings use.
        """
        views = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
        count = 2 if self.contrast_weight > 0 else self.reconstruct_views
        if len(views) < count:
            raise ValueError(
                f"MRCL got {len(views)} view(s) but uses {count}: use MultiView in the pipeline, "
                "or contrast_weight=0 with reconstruct_views=1."
            )
        batch, views = len(views[0]), self.masker.join(views[:count])
        encoded = self.masker.encode(self.backbone, views, self.mask_ratio)

        terms, shown = {}, encoded.pooled
        if self.contrast_weight > 0:
            terms["contrast"], shown = self._contrast(encoded, views)
        if self.reconstruct_weight > 0:
            part = encoded.first(batch * self.reconstruct_views)
            loss = self.masker.reconstruct(self.decoder, self.head, part, views)
            terms["reconstruct"] = self.reconstruct_weight * loss

        outputs = {f"loss_{name}": term for name, term in terms.items()}
        outputs["embedding_std"] = embedding_std(shown)
        outputs |= self._grad_norms(terms, encoded.features)
        return outputs

    def _contrast(self, encoded: Encoded, views: Views) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the weighted L_con and the projections (2B, D) before the predictor."""
        projected = self.neck((encoded.pooled,))[-1]
        with torch.no_grad():
            if self.training:
                self.momentum_encoder.update_parameters(nn.Sequential(self.backbone, self.neck))
            backbone, neck = self.momentum_encoder.module
            # The keys are whole views: only the query has to guess.
            keys = neck((self.masker.encode(backbone, views, 0.0).pooled,))[-1]
        first, second = projected.chunk(2)
        key_first, key_second = keys.chunk(2)
        loss = self.contrast_head.loss(first, key_second)
        loss = loss + self.contrast_head.loss(second, key_first)
        return self.contrast_weight * loss, projected

    def _grad_norms(
        self, terms: dict[str, torch.Tensor], features: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Measures each term's pull on the encoder's output, when it is time to."""
        due = self.grad_norm_interval > 0 and self._calls % self.grad_norm_interval == 0
        self._calls += 1
        if not (due and self.training and features.requires_grad):
            return {}
        norms = {}
        for name, term in terms.items():
            scaled = term.float() * _GRAD_SCALE
            (grad,) = torch.autograd.grad(scaled, features, retain_graph=True)
            norms[f"grad_norm_{name}"] = grad.float().norm() / _GRAD_SCALE
        return norms
