"""The closed algorithms learn real data as well as scikit-learn, on the same split; hyperparameters do what they say.

Data and splits: what scikit-learn ships, a quarter to test on. Scores are in docs/algorithms.md.
"""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from embedded_aws.algorithms import ndarrays
from tests.embedded_aws.algorithms.closed import containers
from tests.embedded_aws.algorithms.closed.containers import CSV, csv
from tests.embedded_aws.algorithms.wire import dense, sparse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Array = np.ndarray[Any, Any]


class Split(NamedTuple):
    """Features and labels to train on, and to test on."""

    features: Array
    labels: Array
    test: Array
    test_labels: Array

    def channels(self, *, labeled: bool = True) -> dict[str, bytes]:
        """Return records for the channels train and test."""
        return {
            "train": dense(self.features, self.labels if labeled else None),
            "test": dense(self.test, self.test_labels if labeled else None),
        }


def split(name: str) -> Split:
    """Return a data set of scikit-learn's, split."""
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    features, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    one, other, marks, other_marks = train_test_split(features, labels, test_size=0.25, random_state=7)
    return Split(one, marks, other, other_marks)


def labels_of(trained: containers.Trained, features: Array) -> Array:
    """Return the labels that a model predicts."""
    return np.array([each["predicted_label"] for each in containers.predictions(trained, features)])


class TestLinearLearner:
    """Linear learner."""

    def test_two_classes(self, train: containers.Train) -> None:
        """Breast cancer: as many right as with scikit-learn's logistic regression, less two in a hundred."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        data = split("breast_cancer")
        given = {"predictor_type": "binary_classifier", "mini_batch_size": 32, "epochs": 8, "num_models": 4}
        trained = train("linear_learner", given, data.channels())
        assert trained.status == 0, trained.failure
        accuracy = np.mean(labels_of(trained, data.test) == data.test_labels)
        reference = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.features, data.labels)
        assert accuracy > reference.score(data.test, data.test_labels) - 0.02
        assert trained.metric("test:binary_classification_accuracy") == pytest.approx(accuracy)
        assert trained.metric("test:roc_auc_score") > 0.98
        losses = trained.metrics("train:objective_loss")
        assert losses[-1] < losses[0]
        assert trained.metric("train:progress") == 100

    def test_several_classes(self, train: containers.Train) -> None:
        """Digits: as with scikit-learn's, less two in a hundred; scores are probabilities of all classes."""
        from sklearn.linear_model import LogisticRegression

        data = split("digits")
        given = {"predictor_type": "multiclass_classifier", "num_classes": 10, "mini_batch_size": 100, "num_models": 4}
        trained = train("linear_learner", given, data.channels())
        assert trained.status == 0, trained.failure
        reference = LogisticRegression(max_iter=300).fit(data.features / 16, data.labels)
        accuracy = trained.metric("test:multiclass_accuracy")
        assert accuracy > reference.score(data.test / 16, data.test_labels) - 0.02
        assert np.mean(labels_of(trained, data.test) == data.test_labels) == pytest.approx(accuracy)
        assert trained.metric("test:multiclass_top_k_accuracy") > accuracy
        [answer] = containers.predictions(trained, data.test[:1])
        assert (len(answer["score"]), sum(answer["score"])) == (10, pytest.approx(1))

    def test_a_number(self, train: containers.Train) -> None:
        """Diabetes, from CSV: its error is that of scikit-learn's least squares, or three in a hundred more."""
        from sklearn.linear_model import LinearRegression

        data = split("diabetes")
        given = {"predictor_type": "regressor", "mini_batch_size": 32, "epochs": 30}
        channels = {"train": csv(data.features, data.labels), "validation": csv(data.test, data.test_labels)}
        trained = train("linear_learner", given, channels, content_type=CSV)
        assert trained.status == 0, trained.failure
        predicted = LinearRegression().fit(data.features, data.labels).predict(data.test)
        reference = np.sqrt(np.mean(np.square(predicted - data.test_labels)))
        assert trained.metric("validation:rmse") < 1.03 * reference
        scores = [each["score"] for each in containers.predictions(trained, data.test)]
        assert np.mean(np.square(scores - data.test_labels)) == pytest.approx(
            trained.metric("validation:mse"), rel=1e-3
        )

    @pytest.mark.parametrize(
        "loss",
        [
            "absolute_loss",
            "eps_insensitive_squared_loss",
            "eps_insensitive_absolute_loss",
            "huber_loss",
            "quantile_loss",
        ],
    )
    @pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
    def test_each_loss_and_optimizer_learns(self, loss: str, optimizer: str, train: containers.Train) -> None:
        """Each finds y = 2 a - b + 3, whose median is its mean."""
        features = np.random.default_rng(3).normal(size=(400, 2))
        labels = features @ (2, -1) + 3
        given = {"predictor_type": "regressor", "mini_batch_size": 20, "loss": loss, "optimizer": optimizer}
        trained = train("linear_learner", given, {"train": dense(features, labels)})
        assert trained.status == 0, trained.failure
        assert trained.metric("train:mse") < 0.01 * labels.var()

    def test_a_quantile(self, train: containers.Train) -> None:
        """With quantile 0.9, nine of ten labels are below what is predicted."""
        random = np.random.default_rng(3)
        features = random.normal(size=(1000, 1))
        labels = features[:, 0] + random.normal(size=1000)
        given = {"predictor_type": "regressor", "mini_batch_size": 50, "loss": "quantile_loss", "quantile": 0.9}
        trained = train("linear_learner", given, {"train": dense(features, labels)})
        scores = np.array([each["score"] for each in containers.predictions(trained, features)])
        assert np.mean(labels < scores) == pytest.approx(0.9, abs=0.03)

    @pytest.mark.parametrize(
        ("more", "metric", "least"),
        [
            (
                {"binary_classifier_model_selection_criteria": "precision_at_target_recall", "target_recall": 0.9},
                "recall",
                0.9,
            ),
            (
                {"binary_classifier_model_selection_criteria": "recall_at_target_precision", "target_precision": 0.97},
                "precision",
                0.97,
            ),
            ({"binary_classifier_model_selection_criteria": "f_beta", "loss": "hinge_loss"}, "binary_f_beta", 0.95),
            ({"positive_example_weight_mult": "balanced"}, "recall", 0.9),
        ],
    )
    def test_what_a_classifier_is_wanted_for(
        self, more: Mapping[str, Any], metric: str, least: float, train: containers.Train
    ) -> None:
        """The threshold keeps what is held on the data that it is set by."""
        data = split("breast_cancer")
        given = {"predictor_type": "binary_classifier", "mini_batch_size": 32, "epochs": 5, "num_models": 4, **more}
        trained = train("linear_learner", given, {"train": data.channels()["train"]})
        assert trained.status == 0, trained.failure
        assert trained.metric(f"train:{metric}") >= least - 1e-6

    def test_regularization(self, train: containers.Train) -> None:
        """Weight decay makes weights smaller, and l1 most of them nothing."""
        data = split("diabetes")
        sizes = {}
        tried: dict[str, dict[str, float]] = {"none": {}, "wd": {"wd": 1}, "l1": {"l1": 0.3}}
        for name, more in tried.items():
            given = {"predictor_type": "regressor", "mini_batch_size": 32, "num_models": 1, "wd": 0, "l1": 0, **more}
            trained = train("linear_learner", given, {"train": data.channels()["train"]})
            sizes[name] = np.abs(_linear_weights(trained)[0])
        assert sizes["wd"].sum() < 0.85 * sizes["none"].sum()
        assert (sizes["l1"] < 0.05 * sizes["none"].max()).sum() > (sizes["none"] < 0.05 * sizes["none"].max()).sum()

    def test_a_tuning_jobs_model_is_one(self, train: containers.Train) -> None:
        """In a tuning job there is one model, by the hyperparameters; patience ends it early."""
        data = split("breast_cancer")
        given = {
            "predictor_type": "binary_classifier",
            "mini_batch_size": 32,
            "learning_rate": 0.001,
            "early_stopping_patience": 1,
            "early_stopping_tolerance": 0.5,
            "_tuning_objective_metric": "validation:objective_loss",
        }
        trained = train("linear_learner", given, {"train": data.channels()["train"]})
        assert "Best model found for hyperparameters: {'learning_rate': 0.001, 'l1': 0.0, 'wd': 0.0}" in trained.log
        assert len(trained.metrics("train:objective_loss")) < 15

    def test_sparse_data_and_the_file(self, train: containers.Train) -> None:
        """Sparse records give what dense ones do, and the model's file is MXNet's module, zipped."""
        data = split("digits")
        odd = data.labels % 2
        rows = [{key: float(value) for key, value in enumerate(row) if value} for row in data.features]
        given = {"predictor_type": "binary_classifier", "mini_batch_size": 100, "num_models": 1}
        channels = {"train": sparse(rows, 64, odd)}
        trained = train("linear_learner", given, channels)
        assert trained.metric("train:binary_classification_accuracy") > 0.88
        with zipfile.ZipFile(trained.model / "model_algo-1") as archive:
            assert sorted(archive.namelist()) == [
                "additional-params.json",
                "manifest.json",
                "mx-mod-0000.params",
                "mx-mod-symbol.json",
            ]
            symbol = json.loads(archive.read("mx-mod-symbol.json"))
        assert [node["op"] for node in symbol["nodes"]][-1] == "LogisticRegressionOutput"
        weights, bias = _linear_weights(trained)
        [answer] = containers.predictions(trained, data.test[:1])
        assert answer["score"] == pytest.approx(1 / (1 + np.exp(-(data.test[0] @ weights + bias))), rel=1e-4)


def _linear_weights(trained: containers.Trained) -> tuple[Array, Array]:
    with zipfile.ZipFile(trained.model / "model_algo-1") as archive:
        arrays = ndarrays.load(archive.read("mx-mod-0000.params"))
    assert isinstance(arrays, dict)
    return arrays["arg:fc0_weight"][0], arrays["arg:fc0_bias"][0]


class TestKMeans:
    """k-means."""

    @pytest.mark.parametrize("more", [{}, {"init_method": "kmeans++", "extra_center_factor": 4, "epochs": 3}])
    def test_clusters(self, more: Mapping[str, Any], train: containers.Train) -> None:
        """Digits: records are as close to their centers as with scikit-learn's KMeans, or five in a hundred farther."""
        from sklearn.cluster import KMeans

        data = split("digits")
        given = {"k": 10, "feature_dim": 64, "mini_batch_size": 500, "eval_metrics": '["msd", "ssd"]', **more}
        trained = train("kmeans", given, data.channels(labeled=False))
        assert trained.status == 0, trained.failure
        reference = -KMeans(10, n_init=3, random_state=7).fit(data.features).score(data.test) / len(data.test)
        assert trained.metric("test:msd") < 1.05 * reference
        assert trained.metric("test:ssd") == pytest.approx(trained.metric("test:msd") * len(data.test))
        arrays = ndarrays.load((trained.model / "model_algo-1").read_bytes())
        assert isinstance(arrays, list)
        [centers] = arrays
        assert centers.shape == (10, 64)
        distances = np.linalg.norm(data.test[:, None] - centers, axis=2)
        answers = containers.predictions(trained, data.test)
        assert [each["closest_cluster"] for each in answers] == [*distances.argmin(axis=1)]
        assert [each["distance_to_cluster"] for each in answers] == pytest.approx(distances.min(axis=1), rel=1e-4)

    def test_a_model_of_ones_own(self, tmp_path: Path) -> None:
        """Any NDArray of centers is served, as AWS's notebook kmeans_bring_your_own_model does it."""
        folder = tmp_path / "kmeans" / "model"
        folder.mkdir(parents=True)
        (folder / "model_algo-1").write_bytes(ndarrays.dump([np.array([[0, 0], [3, 4]])]))
        [answer] = containers.predictions(containers.Trained(0, "", "", folder), np.array([[3, 0]]))
        assert answer == {"closest_cluster": 0.0, "distance_to_cluster": 3.0}


class TestPca:
    """PCA."""

    @pytest.mark.parametrize("subtract_mean", [True, False])
    def test_components(self, subtract_mean: bool, train: containers.Train) -> None:  # noqa: FBT001
        """Digits: its components are scikit-learn's, but for their signs, the largest last; so are projections."""
        from sklearn.decomposition import PCA, TruncatedSVD

        data = split("digits")
        given = {"feature_dim": 64, "num_components": 5, "mini_batch_size": 500, "subtract_mean": subtract_mean}
        trained = train("pca", given, {"train": dense(data.features)})
        assert trained.status == 0, trained.failure
        kind = PCA(5) if subtract_mean else TruncatedSVD(5, algorithm="arpack")
        reference = kind.fit(data.features)
        arrays = ndarrays.load((trained.model / "model_algo-1").read_bytes())
        assert isinstance(arrays, dict)
        assert np.abs(np.sum(arrays["v"][:, ::-1].T * reference.components_, axis=1)) == pytest.approx(1, abs=1e-3)
        assert arrays["s"][::-1] == pytest.approx(reference.singular_values_, rel=1e-3)
        assert ("mean" in arrays) == subtract_mean
        [answer] = containers.predictions(trained, data.test[:1])
        projected = np.abs(reference.transform(data.test[:1])[0, ::-1])
        assert np.abs(answer["projection"]) == pytest.approx(projected, rel=1e-2, abs=1e-2)

    def test_a_random_mixture(self, train: containers.Train) -> None:
        """Its components keep four fifths of what the best ones keep, of sparse records too."""
        from sklearn.decomposition import PCA

        data = split("digits")
        given = {"feature_dim": 64, "num_components": 10, "mini_batch_size": 500, "algorithm_mode": "randomized"}
        rows = [{key: float(value) for key, value in enumerate(row) if value} for row in data.features]
        channels = {"train": sparse(rows, 64, data.labels)}
        trained = train("pca", {**given, "extra_components": 20}, channels)
        assert trained.status == 0, trained.failure
        projections = np.array([each["projection"] for each in containers.predictions(trained, data.features)])
        best = PCA(10).fit(data.features)
        assert projections.var(axis=0).sum() > 0.8 * best.explained_variance_.sum()


class TestFactorizationMachines:
    """Factorization machines."""

    def test_two_classes(self, train: containers.Train) -> None:
        """Whether a digit is odd: pairs of pixels tell it, where a linear model does not; both by scikit-learn, too."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import PolynomialFeatures

        data = split("digits")
        odd, test_odd = data.labels % 2, data.test_labels % 2
        rows, test_rows = (
            [{key: float(value) / 16 for key, value in enumerate(row) if value} for row in features]
            for features in (data.features, data.test)
        )
        channels = {"train": sparse(rows, 64, odd), "test": sparse(test_rows, 64, test_odd)}
        given = {
            "feature_dim": 64,
            "num_factors": 8,
            "predictor_type": "binary_classifier",
            "epochs": 30,
            "mini_batch_size": 100,
            "factors_lr": 0.02,
            "linear_lr": 0.02,
            "factors_init_sigma": 0.1,
        }
        trained = train("factorization_machines", given, channels)
        assert trained.status == 0, trained.failure
        accuracy = trained.metric("test:binary_classification_accuracy")
        linear = LogisticRegression(max_iter=300).fit(data.features / 16, odd)
        pairs = make_pipeline(PolynomialFeatures(2, interaction_only=True), LogisticRegression(max_iter=300))
        pairs.fit(data.features / 16, odd)
        assert accuracy > linear.score(data.test / 16, test_odd) + 0.03
        assert accuracy > pairs.score(data.test / 16, test_odd) - 0.03
        assert np.mean(labels_of(trained, data.test / 16) == test_odd) == pytest.approx(accuracy)
        assert trained.metric("test:binary_f_beta") > 0.9
        losses = trained.metrics("train:binary_classification_cross_entropy:epoch")
        assert (len(losses), losses[-1] < losses[0] / 2) == (30, True)

    def test_a_number(self, train: containers.Train) -> None:
        """Diabetes: its error is that of scikit-learn's ridge regression on pairs of features, or a tenth more."""
        from sklearn.linear_model import Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import PolynomialFeatures, StandardScaler

        data = split("diabetes")
        scaler = StandardScaler().fit(data.features)
        features, test = scaler.transform(data.features), scaler.transform(data.test)
        channels = {"train": dense(features, data.labels), "test": dense(test, data.test_labels)}
        given = {
            "feature_dim": 10,
            "num_factors": 2,
            "predictor_type": "regressor",
            "epochs": 60,
            "mini_batch_size": 50,
            "bias_lr": 2,
            "linear_lr": 0.5,
            "factors_lr": 0.02,
        }
        trained = train("factorization_machines", given, channels)
        assert trained.status == 0, trained.failure
        pairs = make_pipeline(PolynomialFeatures(2, interaction_only=True), Ridge(10)).fit(features, data.labels)
        reference = np.sqrt(np.mean(np.square(pairs.predict(test) - data.test_labels)))
        assert trained.metric("test:rmse") < 1.1 * reference

    def test_the_file(self, train: containers.Train) -> None:
        """Its ZIP is what users load with MXNet; what it predicts is the formula; constants stay without learning."""
        given = {
            "feature_dim": 2,
            "num_factors": 3,
            "predictor_type": "regressor",
            "bias_lr": 0,
            "linear_lr": 0,
            "factors_lr": 0,
            **{f"{group}_init_method": "constant" for group in ("bias", "linear", "factors")},
            "bias_init_value": 1,
            "linear_init_value": 2,
            "factors_init_value": 0.5,
        }
        trained = train("factorization_machines", given, {"train": dense([[1, 1]], [1])})
        assert trained.status == 0, trained.failure
        with zipfile.ZipFile(trained.model / "model_algo-1") as archive:
            assert sorted(archive.namelist()) == ["meta.json", "params", "symbol.json"]
            arrays = ndarrays.load(archive.read("params"))
            assert json.loads(archive.read("meta.json"))["training_parameters"]["feature_dim"] == "2"
        assert isinstance(arrays, dict)
        assert {name: array.shape for name, array in arrays.items()} == {
            "arg:w0_weight": (1, 1),
            "arg:w1_weight": (2, 1),
            "arg:v": (2, 3),
        }
        [answer] = containers.predictions(trained, np.array([[3, 4]]))
        assert answer == {"score": pytest.approx(1 + 2 * 3 + 2 * 4 + 3 * 0.25 * 3 * 4)}
