"""Compile the sampling kernels for a card, where axes have one voxel: Triton takes a size of 1 for a constant.

Run by test_kernels.py in a process of its own, since the interpreter that the other tests use compiles nothing.
"""

import sys

from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile

from spnet.kernels import sampling

ARRAYS = ("volume", "displacement", "result", "gradient", "to_volume", "to_field")
TYPES = {name: "*fp32" for name in ARRAYS} | {f"stretch_{axis}": "fp32" for axis in "dhw"}
KERNELS = {
    sampling._sample_kernel: {"ADD": False},
    sampling._gradient_kernel: {"TO_VOLUME": True, "SQUARE": False},
}

border, official = sys.argv[1] == "exact", sys.argv[1] == "official"
for kernel, switches in KERNELS.items():
    for ones in ({}, {"depth": 1}, {"height": 1, "width": 1}):
        fixed = {"BORDER": border, "OFFICIAL": official, "CHANNELS": 1, "VOXELS": 128, **switches, **ones}
        names = kernel.arg_names
        signature = {name: "constexpr" if name in fixed else TYPES.get(name, "i32") for name in names}
        constants = {(names.index(name),): value for name, value in fixed.items()}
        source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs={})
        print(len(compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]))
