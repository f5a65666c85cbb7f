"""YDF's own trees of a size: train TRAIN.npy TREES DEPTH MODEL [CATEGORIES]
or batch|row|answers MODEL ROWS COLUMNS

The first CATEGORIES columns (default: none) are categories.

Training prints the mean number of leaves. Prints seconds a row as its own benchmark measures them
in C++ on one thread, at its best batch size or one row at a time; or writes the answers."""

import sys

import numpy as np
import ydf

ydf.verbose(0)  # it would write what it does between the answers


def named(values):
    """Categories as YDF takes them: texts, an empty one where the value is missing."""
    return np.where(np.isnan(values), "", np.char.mod("%d", np.nan_to_num(values)))


def columns(table, categories):
    return {f"f{i}": named(table[:, i]) if i < categories else np.ascontiguousarray(table[:, i])
            for i in range(table.shape[1])}


def train(table, trees, depth, path, categories):
    # Its depth counts the root. Nothing is kept aside, so that all trees are grown.
    learner = ydf.GradientBoostedTreesLearner(
        label="label", task=ydf.Task.REGRESSION, num_trees=trees, max_depth=depth + 1,
        min_examples=1, shrinkage=0.3, validation_ratio=0.0, early_stopping="NONE")
    model = learner.train({**columns(table[:, 1:], categories), "label": table[:, 0]}, verbose=0)
    model.save(path)
    print((model.num_nodes() + model.num_trees()) / 2 / model.num_trees())


def main():
    task = sys.argv[1]
    if task == "train":
        train(np.load(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5],
              int(sys.argv[6]) if len(sys.argv) > 6 else 0)
        return
    model = ydf.load_model(sys.argv[2])
    categories = sum(feature.semantic == ydf.Semantic.CATEGORICAL
                     for feature in model.input_features())
    table = columns(np.fromfile(sys.argv[3], dtype=np.float32).reshape(-1, int(sys.argv[4])),
                    categories)
    if task == "answers":
        sys.stdout.buffer.write(model.predict(table).astype(np.float32).tobytes())
        return
    sizes = (1,) if task == "row" else (100, 1000)
    print(min(model.benchmark(table, benchmark_duration=0.5, warmup_duration=0.1,
                              batch_size=size).duration_per_example for size in sizes))


main()
