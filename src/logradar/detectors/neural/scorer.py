"""A trained network as ONNX: exported once, run by ONNX Runtime, so that scoring needs no torch."""

from __future__ import annotations

import logging
import os
import warnings
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.training.device import require
from logradar.training.ragged import TOKENS, padded

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
BATCH: Final = 1024  # measured: larger batches are slower on a CPU, as activations do not fit in its cache
CORES: Final = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)
OUTPUT: Final = 1 << 22  # numbers in one output of a network at most
SQUARES: Final = 1 << 22  # of the length, summed over the rows of a batch: attention keeps a number for every pair
SHORTEST: Final = 8  # length to which the shortest rows are padded


class Scorer:
    """Runs an ONNX network in batches.

    The same row gives the same bytes in every batch, so that a score equal to its
    threshold stays equal to it. A batch is computed by one thread, and as many batches at once as there are
    cores: threads that share one of these small products mostly wait for each other. Raises
    `ValueError` for bytes that are not a network.
    """

    def __init__(self, network: bytes) -> None:
        require("onnxruntime")
        import onnxruntime

        self.network = network
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own classes share no base but this
            raise ValueError(f"network.onnx is not a network: {error}") from None

    def require(self, example: Mapping[str, npt.NDArray[Any]], choices: int) -> None:
        """`ValueError` where the network cannot run on ``example``, or does not choose among so many answers."""
        try:
            output = self._session.run(None, dict(example))[0]
        except Exception as error:  # as above
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"network.onnx is not the network of these settings: {reason}") from None
        if output.shape[-1] != choices or not np.isfinite(output).all():
            raise ValueError(f"network.onnx does not choose among {choices} answers")

    def __call__(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Iterator[Floats]:
        """The output for all rows of ``inputs`` (arrays of one length), a batch at a time."""
        count = len(next(iter(inputs.values())))
        yield from self._at_once(
            {name: np.ascontiguousarray(array[start : start + BATCH]) for name, array in inputs.items()}
            for start in range(0, count, BATCH)
        )

    def ragged(self, values: Mapping[str, npt.NDArray[Any]], offsets: Ints) -> Iterator[tuple[Ints, Floats]]:
        """The output for rows of unequal length, a batch of similar lengths at a time, with the numbers of its rows.

        Row ``i`` of input ``name`` is ``values[name][offsets[i]:offsets[i + 1]]``; after its end it is filled with
        `PADDING`, and the output there has no meaning. A row is always padded to the rung
        of `ladder` above its length: only that and the network decide its bytes.
        """
        width, lengths = self._session.get_outputs()[0].shape[-1], ladder(np.diff(offsets))
        tokens = min(TOKENS, OUTPUT // width)
        parts = []
        for length in np.unique(lengths).tolist():
            rows = np.flatnonzero(lengths == length)
            step = max(min(tokens // length, SQUARES // length**2), 1)
            parts += [(length, rows[start : start + step]) for start in range(0, len(rows), step)]
        twice = (np.resize(index, max(len(index), 2)) for _, index in parts)  # the bytes of a single row would differ
        batches = (
            {name: padded(array, offsets, rows, length) for name, array in values.items()}
            for rows, (length, _) in zip(twice, parts, strict=True)
        )
        for (_, index), output in zip(parts, self._at_once(batches), strict=True):
            yield index, output[: len(index)]

    def _at_once(self, batches: Iterable[Mapping[str, npt.NDArray[Any]]]) -> Iterator[Floats]:
        """The output for each batch, in order; while one is used, others are computed."""
        with ThreadPoolExecutor(CORES) as pool:
            waiting: deque[Future[list[Floats]]] = deque()
            for batch in batches:
                waiting.append(pool.submit(self._session.run, None, batch))
                if len(waiting) > CORES:
                    yield waiting.popleft().result()[0]
            while waiting:
                yield waiting.popleft().result()[0]


def ladder(lengths: Ints) -> Ints:
    """The length that each row is padded to: 8, 12, 16, 24, 32, 48 …, the next that is not below its own.

    >>> ladder(np.array([0, 8, 9, 13, 100])).tolist()
    [8, 8, 12, 16, 128]
    """
    rungs = np.outer(SHORTEST << np.arange(40), [2, 3]).ravel() // 2
    found: Ints = rungs[np.searchsorted(rungs, lengths)]
    return found


def export(
    network: torch.nn.Module, example: Mapping[str, npt.NDArray[Any]], ragged: bool = False, brief: bool = False
) -> bytes:
    """``network`` as ONNX, weights included; the first dimension of every input is free, and the second if ``ragged``.

    ``example`` names the inputs as ``network.forward`` does and has two or more rows (and columns).
    ``network.graph_key`` says what decides its graph in addition to the shapes of weights and inputs, so that a graph
    is traced once in a process: tracing takes seconds, inserting the weights milliseconds, optimising a tenth of a
    second. What serves for a moment only, of a network that goes on learning, is not optimised (``brief``).
    """
    import onnx
    from onnxscript.optimizer import optimize

    weights = network.state_dict()
    shapes = tuple((name, value.shape) for name, value in (*weights.items(), *example.items()))
    key = (type(network), network.graph_key, ragged, shapes)
    if fresh := key not in _GRAPHS:
        traced = _traced(network, example, ragged)
        while _GRAPHS and len(traced) + sum(map(len, _GRAPHS.values())) > _KEPT:
            _GRAPHS.pop(next(iter(_GRAPHS)))
        _GRAPHS[key] = traced
    model = onnx.ModelProto.FromString(_GRAPHS[key])
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.raw_data = weights[tensor.name].detach().cpu().contiguous().numpy().tobytes()
    with _quiet():
        found = _plain(model if brief else optimize(model), ["rows", "length"] if ragged else ["rows"])
    if ragged and (fresh or not brief):
        _check(found, network, {name: np.tile(array, (1, 3)) for name, array in example.items()})
    return found


_GRAPHS: Final[dict[Hashable, bytes]] = {}  # the oldest first; one is kept whatever its size
_KEPT: Final = 32 << 20  # bytes of graphs


def _traced(network: torch.nn.Module, example: Mapping[str, npt.NDArray[Any]], ragged: bool) -> bytes:
    """The graph as torch exports it, with its notes, which optimising reads; weights keep their names."""
    import torch

    inputs = {name: torch.from_numpy(array) for name, array in example.items()}
    free = {0: torch.export.Dim("rows", min=1)} | ({1: torch.export.Dim("length", min=2)} if ragged else {})
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            network.eval(),
            (),
            kwargs=inputs,
            input_names=list(inputs),
            output_names=["output"],
            dynamic_shapes=dict.fromkeys(inputs, free),
            dynamo=True,
            external_data=False,
            optimize=False,  # it renames weights
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


def _plain(model: Any, free: list[str]) -> bytes:
    """The same network without notes about torch and this machine, so that equal networks are equal bytes.

    For an LSTM that works at any length the notes may say the length of the example, depending on what torch
    exported before (2.13): the notes about shapes are dropped, and the free dimensions are named.
    """
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del noted.metadata_props[:]
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        for dimension, name in zip(value.type.tensor_type.shape.dim, free, strict=False):
            dimension.dim_param = name
    return bytes(model.SerializeToString())


def _check(model: bytes, network: torch.nn.Module, inputs: Mapping[str, npt.NDArray[Any]]) -> None:
    """Raise `RuntimeError` where the exported network differs from ``network`` on inputs of another length."""
    import torch

    with torch.no_grad():
        expected = network(**{name: torch.from_numpy(array) for name, array in inputs.items()}).numpy()
    output = next(Scorer(model)(inputs))
    if output.shape != expected.shape or not np.allclose(output, expected, atol=1e-4):
        raise RuntimeError("torch exported the network for one length only")


@contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
