"""Trainings that follow each other in processes forked from one: what one has read the next need not
read, and what it gives is what it gives alone."""

import re

import pytest

ROWS = "".join(f"{(i * i) % 17 / 4 + i % 5},{i % 5},{(i * i) % 17}\n" for i in range(300))
OTHERS = "".join(f"{(i * i) % 17 / 4 - i % 5},{i % 5},{(i * i) % 17}\n" for i in range(300))
SPARSE = "".join(f"{i % 2} 0:{i % 5} {i % 3 + 1}:{(i * i) % 17}\n" for i in range(300))
GIVEN = dict(num_round=4, objective="reg:squarederror", subsample=0.7)


def told(job):
    """What a job gave: its log without times and folders, its metrics, its model's bytes."""
    log = re.sub(r"\[\d{4}-[^]]*:", "[", job.log).replace(str(job.folder), "")
    return log, [line | {"time": 0} for line in job.report], (job.folder / "model/xgboost-model").read_bytes()


def both_channels(made, rows=ROWS, content_type="text/csv"):
    return made.channel("train", rows, content_type).channel("validation", rows, content_type)


@pytest.mark.parametrize("version", ["1.7-1", "3.0-5"])
@pytest.mark.parametrize("rows, content_type", [(ROWS, "text/csv"), (SPARSE, "text/libsvm")])
@pytest.mark.parametrize("changed", [{}, {"max_depth": 3}, {"max_bin": 7}, {"tree_method": "exact"}, {"nthread": 2}])
def test_a_training_after_another_is_as_it_is_alone(job, version, rows, content_type, changed):
    before = both_channels(job(), rows, content_type).configure(**GIVEN)
    alone, after = job().like(before), job().like(before).after(before)
    for one in alone, after:
        one.trains(version, **{**GIVEN, **changed})
    assert told(after) == told(alone)
    assert "Suspected identical files" in after.log


def after_change(job, how):
    """Of OTHERS, which took the place of ROWS after another training had been made ready."""
    before = both_channels(job()).configure(**GIVEN)
    made = job().like(before)
    new = made.folder / "new"
    new.write_text(OTHERS)
    places = [made.folder / f"input/data/{name}/part-0" for name in made.channels]
    made.after(before, " && ".join(how.format(new=new, place=place) for place in places)).trains(**GIVEN)
    return told(made)


def test_an_object_that_changed_is_read_anew(job):
    old, new = (both_channels(job(), rows) for rows in (ROWS, OTHERS))
    for one in old, new:
        one.trains(**GIVEN)
    assert told(old)[2] != told(new)[2]
    assert after_change(job, "rm {place} && cp {new} {place}")[2] == told(new)[2]
    # Nothing writes into the lake's files; if it did, it would show what was read.
    assert after_change(job, "cat {new} >{place}")[2] == told(old)[2]


def test_what_cannot_be_read_is_told_as_it_is_alone(job):
    before = both_channels(job(), ROWS + "1,2\n").configure(**GIVEN)
    alone, after = job().like(before), job().like(before).after(before)
    assert after.fails(**GIVEN) == alone.fails(**GIVEN)
    labels = both_channels(job()).configure(**GIVEN)
    assert "label" in job().like(labels).after(labels).fails(**{**GIVEN, "objective": "binary:logistic"})
