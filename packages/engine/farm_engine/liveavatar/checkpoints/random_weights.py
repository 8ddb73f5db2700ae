"""Deterministic weights for tests and benchmarks, made from parameter names.

Two programs that build the same parameter name and shape get the same values, whatever the machine, the PyTorch version
or the order of construction. That is how this engine and another implementation are compared without sharing a file.
"""

import hashlib
import math
import re
from collections.abc import Callable

import numpy as np
import torch

_SCALE_NAME = re.compile(r"(^|[._])(gamma|norm\w*\.weight|norm\w*|layer_norm\.weight|original0)$")


def random_tensor(
    name: str, shape: tuple[int, ...] | torch.Size, *, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Values for the parameter `name`: uniform, seeded by the SHA-256 of the name.

    Matrices and kernels have variance 1/fan-in, so that activations keep their size through the layers; one-dimensional
    scales are within 0.1 of 1; everything else one-dimensional (biases) is within 0.1 of 0.
    """
    shape = tuple(shape)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    generator = np.random.Generator(np.random.PCG64(seed))
    values = torch.from_numpy(generator.random(math.prod(shape), dtype=np.float32)).reshape(shape).mul_(2).sub_(1)
    vector = sum(side > 1 for side in shape) <= 1
    if vector:
        offset = 1.0 if _SCALE_NAME.search(name) or (name.endswith("weight") and len(shape) == 1) else 0.0
        values.mul_(0.1).add_(offset)
    else:
        values.mul_(math.sqrt(3.0 / math.prod(shape[1:])))
    return values.to(dtype)


def fill_with_random_weights(module: torch.nn.Module, *, rename: Callable[[str], str] = lambda name: name) -> None:
    """Overwrite every parameter of `module` with `random_tensor(rename(name), shape)`, in place, in its own dtype."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(random_tensor(rename(name), parameter.shape, dtype=parameter.dtype))
