"""Writes a network with 1 GiB of embeddings: python big.py FORMAT OUT, of which FORMAT is SavedModel or h5.

Sixteen tables of 2^20 × 16, looked up, joined, and a layer: what loading takes is the tables'.
"""
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")

import numpy as np

TABLES, ROWS, WIDTH = 16, 1 << 20, 16


def table(random):
    return random.standard_normal((ROWS, WIDTH), np.float32)


def saved_model(out, random):
    import tensorflow as tf

    tables = [tf.Variable(table(random), name=f"table_{i}") for i in range(TABLES)]
    kernel = tf.Variable(random.standard_normal((TABLES * WIDTH, 1), np.float32), name="kernel")
    signature = [tf.TensorSpec([None, 1], tf.int32, f"category_{i}") for i in range(TABLES)]

    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.tables, self.kernel = tables, kernel

        @tf.function(input_signature=signature)
        def __call__(self, *categories):
            parts = [tf.reshape(tf.gather(t, c), [-1, WIDTH]) for t, c in zip(tables, categories)]
            return tf.sigmoid(tf.matmul(tf.concat(parts, axis=1), kernel))

    model = Model()
    tf.saved_model.save(model, out, signatures=model.__call__.get_concrete_function())


def h5(out, random):
    import keras

    inputs = [keras.Input((1,), dtype="int32", name=f"category_{i}") for i in range(TABLES)]
    parts = [keras.layers.Flatten()(keras.layers.Embedding(ROWS, WIDTH, name=f"table_{i}")(x)) for i, x in enumerate(inputs)]
    output = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Concatenate()(parts))
    model = keras.Model(inputs, output)
    for i in range(TABLES):
        model.get_layer(f"table_{i}").set_weights([table(random)])
    os.makedirs(out)
    model.save(os.path.join(out, "model.h5"))


if __name__ == "__main__":
    {"SavedModel": saved_model, "h5": h5}[sys.argv[1]](sys.argv[2], np.random.default_rng(4))
