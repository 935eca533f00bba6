"""Trains the scikit-learn Pipeline that the engine is measured with: python pipeline.py OUT.

Four columns of categories (OneHotEncoder), a text (TfidfVectorizer), and four numbers (StandardScaler), in a
ColumnTransformer before a LogisticRegression: what a team would make of an ad, its page and its text. The log is drawn from
a fixed seed. Writes OUT/pipeline/model.joblib, and OUT/pipeline.json with EXAMPLES rows and the probability that
scikit-learn gives each.
"""
import json
import os
import sys
import warnings

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import joblib
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

TRAINING, EXAMPLES = 20_000, 2_000
CATEGORIES = {"site": 20, "device": 6, "campaign": 500, "advertiser": 2_000}
WORDS, LENGTH = 8_000, 10


def draw(random, rows):
    """Rows of an object array, as a DataFrame without its names: categories, text, numbers."""
    table = np.empty((rows, len(CATEGORIES) + 5), dtype=object)
    for i, (name, count) in enumerate(CATEGORIES.items()):
        table[:, i] = [f"{name}-{min(int(place), count - 1)}" for place in random.exponential(count / 4, rows)]
    words = np.array([f"word{i:04d}"[: 4 + i % 5] + str(i) for i in range(WORDS)])
    places = np.minimum(random.zipf(1.2, (rows, LENGTH)), WORDS) - 1
    lengths = random.integers(3, LENGTH + 1, rows)
    table[:, 4] = [" ".join(words[row[:length]]).capitalize() for row, length in zip(places, lengths)]
    table[:, 5:] = random.standard_normal((rows, 4)) * [1, 10, 100, 1000]
    return table


def pipeline():
    return make_pipeline(
        ColumnTransformer([
            ("categories", OneHotEncoder(handle_unknown="ignore"), slice(0, 4)),
            ("text", TfidfVectorizer(ngram_range=(1, 2), min_df=2), 4),
            ("numbers", StandardScaler(), slice(5, 9)),
        ]),
        LogisticRegression(max_iter=50),
    )


def main(out):
    warnings.simplefilter("ignore")  # that so few iterations are too few to converge does not matter here
    os.makedirs(os.path.join(out, "pipeline"), exist_ok=True)
    random = np.random.default_rng(3)
    table = draw(random, TRAINING)
    model = pipeline().fit(table, random.integers(2, size=TRAINING))
    joblib.dump(model, os.path.join(out, "pipeline", "model.joblib"))
    rows = draw(random, EXAMPLES)
    with open(os.path.join(out, "pipeline.json"), "w") as file:
        json.dump({"rows": rows.tolist(), "answers": model.predict_proba(rows)[:, 1].tolist()}, file)


if __name__ == "__main__":
    main(sys.argv[1])
