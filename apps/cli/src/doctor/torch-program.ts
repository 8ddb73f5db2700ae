/** Asks an interpreter for its version and its path. */
export const pythonProgram = `
import importlib.util, json, sys
venv = all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))
print(json.dumps({"version": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable, "venv": venv}))
`;

/**
 * Asks PyTorch what it was built for, what it sees, and whether a small matrix product is right on every device: the
 * only proof that driver, build and card fit each other.
 */
export const torchProgram = `
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import torch
    available = torch.cuda.is_available()
    devices = []
    for index in range(torch.cuda.device_count() if available else 0):
        properties = torch.cuda.get_device_properties(index)
        try:
            ones = torch.ones(64, 64, device=f"cuda:{index}", dtype=torch.bfloat16)
            trial = "ok" if (ones @ ones).sum().item() == 64 ** 3 else "the result is wrong"
        except Exception as error:
            trial = str(error)
        devices.append({
            "name": properties.name,
            "capability": [properties.major, properties.minor],
            "memoryBytes": properties.total_memory,
            "trial": trial,
        })
print(json.dumps({
    "version": torch.__version__,
    "cuda": torch.version.cuda,
    "hip": getattr(torch.version, "hip", None),
    "available": available,
    "architectures": torch.cuda.get_arch_list(),
    "devices": devices,
    "warnings": [str(item.message) for item in caught],
}))
`;
