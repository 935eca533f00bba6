"""Runs a model in its framework, for the program in this directory: python peers.py FRAMEWORK ARGUMENT….

    tensorflow SAVEDMODEL INPUTS EXAMPLES BATCH THREADS
    sklearn MODEL ROWS BATCH

Each line of the standard input is a number of runs; the answer is how many nanoseconds they took, and the last result's
first value. The first line that is printed says the framework's version. A run is a call from Python, as a server in Python
makes it: it begins with numpy's arrays, and ends when the results are in them.
"""
import json
import os
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import numpy as np


def tensorflow(model, inputs, examples, batch, threads):
    import tensorflow as tf

    examples, batch = int(examples), int(batch)
    tf.config.threading.set_intra_op_parallelism_threads(int(threads))
    tf.config.threading.set_inter_op_parallelism_threads(1)
    loaded = tf.saved_model.load(model)
    call = loaded.signatures["serving_default"]
    specs = {name: spec for name, spec in call.structured_input_signature[1].items()}
    names = ["numbers"] + [f"category_{i}" for i in range(len(specs) - 1)]
    content, at, columns = open(inputs, "rb").read(), 0, []
    for name in names:
        width, dtype = specs[name].shape[1], specs[name].dtype.as_numpy_dtype
        values = np.frombuffer(content, dtype, examples * width, at).reshape(examples, width)
        at += values.nbytes
        columns.append(values)
    batches = [
        {name: values[b : b + batch] for name, values in zip(names, columns)}
        for b in range(0, examples - batch + 1, batch)
    ]

    def run(i):
        (result,) = call(**{name: tf.constant(values) for name, values in batches[i % len(batches)].items()}).values()
        return result.numpy()[0, 0]

    return "TensorFlow " + tf.__version__, run, loaded


def sklearn(model, rows, batch):
    import joblib
    import sklearn

    batch, loaded = int(batch), joblib.load(model)
    with open(rows) as file:
        table = np.array(json.load(file)["rows"], dtype=object)
    batches = [table[b : b + batch] for b in range(0, len(table) - batch + 1, batch)]
    return "scikit-learn " + sklearn.__version__, lambda i: loaded.predict_proba(batches[i % len(batches)])[0, 1], loaded


def main(framework, *arguments):
    version, run, _ = {"tensorflow": tensorflow, "sklearn": sklearn}[framework](*arguments)
    print(version, flush=True)
    for line in sys.stdin:
        runs = int(line)
        start = time.perf_counter_ns()
        for i in range(runs):
            first = run(i)
        print(time.perf_counter_ns() - start, first, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
