"""Writes the networks and inputs that the engine is measured with: python models.py OUT.

Weights and inputs are random, from a fixed seed: what is measured does not depend on their values. Each network is an ONNX
file, as a converter from Keras would write it (MatMul, Add, Relu; Gather, Reshape, Concat); the large one is a SavedModel,
too. The inputs of NAME.onnx are in NAME.inputs: for each input of the file in turn, the values for all EXAMPLES.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

EXAMPLES = 8192
TABLES, ROWS, WIDTH = 26, 100_000, 16
TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}


class Network:
    """A network under construction."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.inputs, self.values = [], [], [], []

    def input(self, name, values):
        width = values.shape[1]
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[values.dtype], ["batch", width]))
        self.values.append(values)
        return name

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def normal(self, name, *shape):
        return self.weight(name, (self.random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32))

    def node(self, op, name, *inputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def dense(self, name, x, size_in, size_out, activation):
        product = self.node("MatMul", name + "/MatMul", x, self.normal(name + "/kernel", size_in, size_out))
        total = self.node("Add", name + "/BiasAdd", product, self.normal(name + "/bias", size_out))
        return self.node(activation, name + "/" + activation, total)

    def embedding(self, name, index, rows, width):
        found = self.node("Gather", name + "/Gather", self.normal(name + "/embeddings", rows, width), index)
        shape = self.weight(name + "/shape", np.array([-1, width], np.int64))
        return self.node("Reshape", name + "/Reshape", found, shape)

    def indices(self, rows):
        return self.random.integers(0, rows, (EXAMPLES, 1), np.int32)

    def numbers(self, width):
        return self.random.standard_normal((EXAMPLES, width)).astype(np.float32)

    def write(self, path, output):
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", 1])
        graph = helper.make_graph(self.nodes, "network", self.inputs, [result], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path + ".onnx")
        with open(path + ".inputs", "wb") as file:
            for values in self.values:
                file.write(values.tobytes())


def small(path):
    """The Wide & Deep network of a search engine: 30,099 parameters."""
    n = Network(1)
    wide, deep = n.input("wide", n.numbers(6)), n.input("deep", n.numbers(8))
    parts = [deep]
    for name, rows, width in [("query_hash", 1000, 8), ("doc_hash", 1000, 8), ("position_group", 3, 4)]:
        parts.append(n.embedding(name + "_embedding", n.input(name, n.indices(rows)), rows, width))
    x, size = n.node("Concat", "deep_concat", *parts, axis=1), 28
    for i, units in enumerate([128, 64, 32]):
        x, size = n.dense(f"dense_{i}", x, size, units, "Relu"), units
    x = n.node("Concat", "concat", wide, x, axis=1)
    n.write(path, n.dense("output", x, 38, 1, "Sigmoid"))
    return n


def large(path):
    """Wide & Deep as on the Criteo data: 26 embeddings of 100,000 × 16, 13 numbers, three layers."""
    n = Network(2)
    parts = [n.input("numbers", n.numbers(13))]
    for i in range(TABLES):
        parts.append(n.embedding(f"embedding_{i}", n.input(f"category_{i}", n.indices(ROWS)), ROWS, WIDTH))
    x, size = n.node("Concat", "concat", *parts, axis=1), 13 + TABLES * WIDTH
    for i, units in enumerate([256, 128, 64]):
        x, size = n.dense(f"dense_{i}", x, size, units, "Relu"), units
    n.write(path, n.dense("output", x, size, 1, "Sigmoid"))
    return n


def saved_model(path, n):
    """The same network for TensorFlow."""
    import tensorflow as tf

    weights = {w.name: tf.Variable(numpy_helper.to_array(w)) for w in n.weights if not w.name.endswith("/shape")}
    signature = [tf.TensorSpec([None, 13], tf.float32, "numbers")]
    signature += [tf.TensorSpec([None, 1], tf.int32, f"category_{i}") for i in range(TABLES)]

    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = list(weights.values())

        @tf.function(input_signature=signature)
        def __call__(self, numbers, *categories):
            parts = [numbers]
            for i, category in enumerate(categories):
                rows = tf.gather(weights[f"embedding_{i}/embeddings"], category)
                parts.append(tf.reshape(rows, [-1, WIDTH]))
            x = tf.concat(parts, axis=1)
            for i in range(3):
                x = tf.nn.relu(tf.matmul(x, weights[f"dense_{i}/kernel"]) + weights[f"dense_{i}/bias"])
            return tf.sigmoid(tf.matmul(x, weights["output/kernel"]) + weights["output/bias"])

    model = Model()
    tf.saved_model.save(model, path, signatures=model.__call__.get_concrete_function())


def main(out):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.makedirs(out, exist_ok=True)
    small(os.path.join(out, "small"))
    saved_model(os.path.join(out, "large_savedmodel"), large(os.path.join(out, "large")))


if __name__ == "__main__":
    main(sys.argv[1])
