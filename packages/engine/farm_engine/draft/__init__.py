"""The draft engine: animates a portrait from its speech on the CPU, for timing, framing, cuts and mood."""

from __future__ import annotations

import platform

PROCESS_ENVIRONMENT = (
    {"OPENCV_CPU_DISABLE": "AVX,FP16,AVX2,AVX512-SKX"} if platform.machine() in ("x86_64", "AMD64") else {}
)
"""Must be set before OpenCV is imported. Its AVX kernels round differently from one processor to the next (one pixel in
100,000 by 1, the face's points by more); those for SSE 4.2 are the same everywhere, at three quarters of the speed."""
