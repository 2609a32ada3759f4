"""Native code: a program compiled by the llvmlite that Numba brings, and kept on disk; the bits of the interpreter.

It pays for many scenarios: the standard deal of the benchmarks compiles in 0.2 s and then takes a third of the time. What
is kept is found by a hash of the code, the processor and the versions; a file that is damaged is written anew, and beyond
256 files those that were written first go.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import sys
import threading
import uuid
import warnings
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from waterfalls.engines import compiled
from waterfalls.engines.lowering import LANES, lower
from waterfalls.engines.program import Program

LOCK = threading.Lock()
MOST_KEPT = 256  # files of native code, some 35 KB each
ALIGNED = 64  # bytes, of every array that the code reads as vectors
POINTER, WHOLE = ctypes.c_void_p, ctypes.c_int64
Function = ctypes.CFUNCTYPE(  # called without the interpreter's lock
    None, POINTER, POINTER, POINTER, ctypes.c_double, POINTER, POINTER, POINTER, WHOLE, WHOLE
)

codes: weakref.WeakKeyDictionary[Program, Native] = weakref.WeakKeyDictionary()
loaded: weakref.WeakValueDictionary[str, Native] = weakref.WeakValueDictionary()


class Native:
    """Compiled code in memory."""

    def __init__(self, code: bytes) -> None:
        from llvmlite import binding

        self.engine: Any = binding.create_mcjit_compiler(binding.parse_assembly(""), machine())
        self.engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self.engine.finalize_object()
        self.run = Function(self.engine.get_function_address("run"))


@functools.cache
def possible() -> bool:
    """Whether this is a machine that native code was tried on."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


@functools.cache
def ready() -> None:
    """Has LLVM know this processor."""
    from llvmlite import binding

    with contextlib.suppress(RuntimeError):  # of newer versions, which are ready already
        binding.initialize()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()


def machine() -> Any:
    """What LLVM compiles for: this processor. No option lets it fuse or reorder arithmetic.

    An engine disposes of the one that it was given, so each has its own.
    """
    from llvmlite import binding

    ready()
    features = binding.get_host_cpu_features().flatten()
    target = binding.Target.from_default_triple()
    return target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=1, jit=True)


def code_of(program: Program) -> Native | None:
    """The native code of a program, compiled where it is not kept; None where this machine has none."""
    with LOCK:
        if program not in codes:
            if not possible():
                return None
            try:
                codes[program] = found(lower(program))
            except Exception as error:
                failed(str(error))
                return None
        return codes[program]


@functools.cache
def failed(why: str) -> None:
    """Says once that native code could not be made."""
    warnings.warn(f"no native code, the interpreter runs instead: {why}", RuntimeWarning, stacklevel=3)


def found(text: str) -> Native:
    """The code of a module: in memory, kept on disk, or compiled now and kept."""
    import llvmlite
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    told = (text, llvmlite.__version__, binding.llvm_version_info, binding.get_host_cpu_name(), features)
    key = hashlib.sha256(repr(told).encode()).hexdigest()
    if (there := loaded.get(key)) is not None:
        return there
    path = compiled.folder() / f"{key}.native"
    kept = read(path)
    if kept is None:
        kept = machine_code(text)
        write(path, kept)
    made = loaded[key] = Native(kept)
    return made


def machine_code(text: str) -> bytes:
    """A module compiled."""
    from llvmlite import binding

    module = binding.parse_assembly(text)
    module.verify()
    return machine().emit_object(module)


def read(path: Path) -> bytes | None:
    """The code that is kept in a file, None where there is none or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content[32:] if hashlib.sha256(content[32:]).digest() == content[:32] else None


def write(path: Path, code: bytes) -> None:
    """Keeps code in a file, whole or not at all, whoever else writes it at the same time."""
    beside = path.with_name(f".{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(hashlib.sha256(code).digest() + code)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError:
        compiled.warn()
    else:
        prune(path.parent)


def prune(folder: Path) -> None:
    """Removes the oldest files of native code beyond `MOST_KEPT`; what another process removed first is gone as well."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("*.native"), key=os.path.getmtime)[:-MOST_KEPT]:
            path.unlink(missing_ok=True)


def execute(
    code: Native, program: Program, inputs: Sequence[np.ndarray], scenarios: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Outputs (B, T, K, 32) and last values (M, S) of the program's inputs (S, T)."""
    blocks, periods = -(-scenarios // LANES), program.curves.shape[1]
    given = [np.ascontiguousarray(array, np.float64) for array in inputs]
    assert all(array.shape == (scenarios, periods) for array in given)
    outputs = aligned(blocks, periods, program.width, LANES)
    ends = aligned(len(program.finals), blocks, LANES)
    state = aligned(2, len(program.initial), LANES)
    places = (POINTER * len(given))(*(array.ctypes.data for array in given))
    before = program.initial.ctypes.data, program.curves.ctypes.data, places
    after = (array.ctypes.data for array in (outputs, ends, state))
    code.run(*before, tolerance, *after, scenarios, periods)
    return outputs, ends.reshape(len(program.finals), blocks * LANES)[:, :scenarios]


def aligned(*shape: int) -> np.ndarray:
    """An array that begins where a vector may."""
    size = int(np.prod(shape))
    room = np.empty(size + ALIGNED // 8)
    first = -room.ctypes.data % ALIGNED // 8
    return room[first : first + size].reshape(shape)
