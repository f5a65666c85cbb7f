"""model.tar.gz as people make them: by tar's own formats, from inside the folder, on a Mac."""

import io
import json
import subprocess
import tarfile

import numpy
import pytest
import xgboost

SCRIPT = """
import json, sys
import lathe
answers = {}
for path in sys.argv[1:]:
    try:
        answers[path] = lathe.Predictor(path).predict([[3.0, 4.0]])[0]
    except Exception as error:
        answers[path] = str(error)
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def model():
    rng = numpy.random.default_rng(3)
    rows = rng.normal(0, 3, (200, 2))
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, rows.sum(1)), 5)
    right = float(booster.predict(xgboost.DMatrix(numpy.array([[3.0, 4.0]])))[0])
    return bytes(booster.save_raw("ubj")), right


def archive(path, *entries, **more):
    """entries: (name, bytes, or None for a folder)."""
    with tarfile.open(path, "w:gz", **more) as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type = tarfile.DIRTYPE
            entry.size = len(content or b"")
            tar.addfile(entry, io.BytesIO(content or b""))
    return path


def answers(python, paths):
    got = json.loads(python(SCRIPT, paths))
    return {path.name: got[str(path)] for path in paths}


def test_the_names_that_tar_writes(python, tmp_path, model):
    content, right = model
    folder = tmp_path / "folder"
    (folder / "code").mkdir(parents=True)
    (folder / "xgboost-model").write_bytes(content)
    (folder / "code/inference.py").write_text("raise SystemExit\n")
    made = []
    for form in "v7", "oldgnu", "ustar", "gnu", "pax":
        for what in ".", "./xgboost-model", "xgboost-model":
            made.append(tmp_path / f"{form}-{what.replace('/', '_')}.tar.gz")
            subprocess.run(["tar", f"--format={form}", "-czf", made[-1], "-C", folder, what],
                           check=True, timeout=60)
    assert answers(python, made) == {path.name: pytest.approx(right) for path in made}


def test_files_of_any_name_are_models(python, tmp_path, model):
    """As for the container, which opens every file that is not hidden."""
    content, right = model
    rows = numpy.zeros((2, 2))
    booster = xgboost.train({"nthread": 1, "base_score": 100}, xgboost.DMatrix(rows, [0, 0]), 0)
    other = bytes(booster.save_raw("ubj"))
    made = [archive(tmp_path / "two.tar.gz", ("first.ubj", content), (".hidden", b"x"),
                    ("code/a.py", b"x"), ("second.ubj", other)),
            archive(tmp_path / "named.tar.gz", ("xgboost-model", content), ("second.ubj", other)),
            archive(tmp_path / "words.tar.gz", ("first.ubj", content), ("README", b"words"))]
    got = answers(python, made)
    assert got["two.tar.gz"] == pytest.approx((right + 100) / 2)
    assert got["named.tar.gz"] == pytest.approx(right)
    assert "README: " in got["words.tar.gz"]


def test_what_a_mac_adds(python, tmp_path, model):
    content, right = model
    attributes = {"LIBARCHIVE.xattr.com.apple.quarantine": "A" * 20000, "mtime": "1.5"}
    made = [
        archive(tmp_path / "beside.tar.gz", ("./", None), ("./._xgboost-model", b"\0\5\x16\7"),
                ("./xgboost-model", content)),
        archive(tmp_path / "before.tar.gz", ("._xgboost-model", b"\0\5\x16\7"),
                ("xgboost-model", content)),
        archive(tmp_path / "attributes.tar.gz", ("./xgboost-model", content),
                format=tarfile.PAX_FORMAT, pax_headers=attributes),
        archive(tmp_path / "doubled.tar.gz", (".//././xgboost-model", content)),
    ]
    with tarfile.open(tmp_path / "own.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("cut-short")
        entry.size = len(content)
        entry.pax_headers = {"path": "./xgboost-model", **attributes}
        tar.addfile(entry, io.BytesIO(content))
    made.append(tmp_path / "own.tar.gz")
    assert answers(python, made) == {path.name: pytest.approx(right) for path in made}


def test_names_outside_of_the_folder(python, tmp_path, model):
    made = [archive(tmp_path / f"{i}.tar.gz", ("xgboost-model", model[0]), (name, b"x"))
            for i, name in enumerate(("../escape", "./../escape", "code/../../escape", "/escape",
                                      "code/.."))]
    for answer in answers(python, made).values():
        assert "which is outside of its folder" in str(answer)
