"""Loading a file's tensors into a module that was built without memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from farm_engine.liveavatar.checkpoints.errors import WeightsWrongError
from farm_engine.liveavatar.checkpoints.sources import TensorSource, check_names, read_numbers

ReportFraction = Callable[[float], None]
Change = Callable[[str, Tensor], Tensor]


def load_weights(
    module: nn.Module,
    source: TensorSource,
    *,
    names: Mapping[str, str] | None = None,
    unused: tuple[str, ...] = (),
    device: torch.device,
    dtype: torch.dtype,
    change: Change = lambda name, tensor: tensor,
    report: ReportFraction = lambda fraction: None,
) -> None:
    """Replace every parameter of `module` (built under `torch.device("meta")`) by the tensor of that name, strictly.

    Names and shapes are checked before a byte is read. Each tensor goes from the file to `device` on its own, so that
    memory never holds more than the weights and one tensor. On the CPU, in the file's own dtype, weights stay mapped
    from the file and need no memory of their own. `names` maps the file's names to the module's;
    where several of the file's names stand for one parameter, the file has one of them. `unused` may be in
    the file and is left there. `change(name, tensor)` sees each tensor on its device, under the module's name.

    Raises WeightsWrongError that names a missing, unexpected or misshapen tensor, or one of another kind of numbers.
    """
    slots = _slots(module)
    names = names if names is not None else {name: name for name in slots}
    chosen = _match(source, names=names, slots=slots, unused=unused)
    total = sum(math.prod(slot.shape) for slot in slots.values())
    done = 0
    for published, name in chosen.items():
        tensor = change(name, read_numbers(source, published).to(device=device, dtype=dtype))
        slots[name].fill(tensor)
        done += tensor.numel()
        report(done / total)
    for owner in module.modules():
        for buffer_name, buffer in owner.named_buffers(recurse=False):
            setattr(owner, buffer_name, buffer.to(device))


@dataclass
class _Slot:
    """One parameter and every place of the module that holds it (tied weights have several)."""

    shape: tuple[int, ...]
    holders: list[tuple[nn.Module, str]]

    def fill(self, tensor: Tensor) -> None:
        parameter = nn.Parameter(tensor, requires_grad=False)
        for owner, attribute in self.holders:
            setattr(owner, attribute, parameter)


def _slots(module: nn.Module) -> dict[str, _Slot]:
    """The module's parameters, each under the first of its names."""
    by_identity: dict[int, tuple[str, _Slot]] = {}
    for prefix, owner in module.named_modules():
        for attribute, parameter in owner.named_parameters(recurse=False):
            name = f"{prefix}.{attribute}".removeprefix(".")
            _, slot = by_identity.setdefault(id(parameter), (name, _Slot(tuple(parameter.shape), [])))
            slot.holders.append((owner, attribute))
    return dict(by_identity.values())


def _match(
    source: TensorSource, *, names: Mapping[str, str], slots: Mapping[str, _Slot], unused: tuple[str, ...]
) -> dict[str, str]:
    """From the file's names to the module's, one for each parameter that the file is to fill."""
    chosen = {published: name for published, name in names.items() if published in source.shapes}
    filled = set(chosen.values())
    absent = {published for published, name in names.items() if name not in filled}
    check_names(source.path, expected=set(chosen) | absent, found=set(source.shapes) - set(unused))
    for published, name in chosen.items():
        if source.shapes[published] != slots[name].shape:
            raise WeightsWrongError(
                source.path,
                f"the tensor {published} has shape {source.shapes[published]}, the model needs {slots[name].shape}",
                kind="misshapen",
                tensor=published,
            )
    return chosen
