"""A review that is asked for the wrong way, often, or of a bundle that cannot follow it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fuzzing.mutations import reseal

from logradar.core.errors import BundleError, InputError
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.model.training_sessions import ROWS_FILE, SESSIONS_FILE
from logradar.pipeline.continue_training import continue_training
from logradar.pipeline.detect import detect, detect_into
from logradar.pipeline.feedback import Verdicts, give_feedback
from logradar.pipeline.review import Reviewed, review
from logradar.pipeline.train import train

pytestmark = pytest.mark.xdist_group("review")


def write(path: Path, jobs: int, broken: set[int], odd: frozenset[int] = frozenset(), day: int = 1) -> Path:
    """Jobs of four lines; ``broken`` ones give up, in ``odd`` ones two lines changed places."""
    lines = []
    for job in range(jobs):
        steps = ["accepted", f"loaded {job} rows", "wrote result", "finished"]
        steps = ["accepted", "quota exceeded", "giving up"] if job in broken else steps
        steps = [steps[0], steps[2], steps[1], steps[3]] if job in odd else steps
        for number, step in enumerate(steps):
            at = job * 20 + number
            stamp = f"2026-03-{day:02} {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"
            lines.append(f"{stamp} INFO worker [job={day:02x}{job:06x}] {step}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A log with six broken jobs and four odd ones that came at one time, and a bundle that learnt from it."""
    folder = tmp_path_factory.mktemp("review")
    write(folder / "app.log", 400, {100, 101, 103, 104, 106, 108}, frozenset({220, 221, 222, 224}))
    train(str(folder / "app.log"), folder / "trained", run_settings())
    return folder


@pytest.fixture
def bundle(home, tmp_path) -> Path:
    return Path(shutil.copytree(home / "trained", tmp_path / "b"))


@pytest.mark.parametrize(
    "text",
    [
        '{"questions": 3}',
        '{"questions": null}',
        '{"questions": {"kind": "normal"}}',
        '{"questions": [], "answers": 5}',
        '{"questions": [3]}',
        '{"questions": [{"kind": [1], "answer": "normal"}]}',
        '{"questions": [{"answer": "normal"}]}',
        '{"questions": [{"kind": "a", "answer": [3]}]}',
        "[" * 100_000,
    ],
)
def test_documents_of_another_form_are_refused_in_one_sentence(bundle, tmp_path, text):
    (tmp_path / "answers.json").write_text(text)
    with pytest.raises(InputError, match=r"answers\.json") as caught:
        review(bundle, answers=tmp_path / "answers.json")
    assert "\n" not in str(caught.value)


def test_a_file_of_answers_may_begin_with_a_byte_order_mark(bundle, tmp_path):
    kind = review(bundle)["questions"][0]["kind"]
    (tmp_path / "answers.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({kind: "unsure"}).encode())
    assert review(bundle, answers=tmp_path / "answers.json")["answers"][0]["answer"] == "unsure"


def test_the_same_answer_again_changes_nothing_and_says_so(bundle, logradar):
    kind = review(bundle)["questions"][0]["kind"]
    assert review(bundle, words={kind: "anomaly"})["fitted_anew"]
    before = (bundle / "manifest.json").read_bytes()
    again = logradar("review", bundle, "--anomaly", kind)
    assert "Nothing changed" in again.out and "fitted anew" not in again.out
    assert (bundle / "manifest.json").read_bytes() == before


def test_two_answers_at_once_on_one_kind_are_refused(bundle, logradar):
    kind = review(bundle)["questions"][0]["kind"]
    said = logradar("review", bundle, "--normal", kind, "--anomaly", kind)
    assert said.code == 2 and "say one of them" in said.err


def test_what_is_learnt_is_reckoned_once_until_an_answer_comes(bundle):
    """Each kind that was shown reckoned it again: the square of the number of answers."""
    found = Reviewed(bundle)
    suspect = next(one["kind"] for one in found.questions(10) if not one["learnt"])
    before = found.stay
    assert found.stay is before
    found.add({suspect: "normal"})
    assert found.stay.sum() > before.sum()


def test_a_kind_that_is_suspect_by_its_order_alone_says_so(bundle):
    suspect = {one["sessions"]: one["unusual"][0] for one in review(bundle)["questions"] if not one["learnt"]}
    assert "came in an episode" in suspect[4] and "came in an episode" not in suspect[6]


def test_what_reads_values_takes_no_answers_and_says_it_before_it_asks(home, tmp_path):
    train(str(home / "app.log"), tmp_path / "v", run_settings(overrides=["detector=values", "beside=[]"]))
    assert Reviewed(tmp_path / "v").refusal.startswith("'values' cannot be fitted again")
    before = (tmp_path / "v/manifest.json").read_bytes()
    kind = review(tmp_path / "v")["questions"][0]["kind"]
    with pytest.raises(BundleError, match="takes no answers"):
        review(tmp_path / "v", words={kind: "normal"})
    assert (tmp_path / "v/manifest.json").read_bytes() == before


def test_a_bundle_that_went_on_from_another_is_not_fitted_again_from_the_newer_sessions_alone(bundle, tmp_path, capsys):
    review(bundle, words={review(bundle)["questions"][0]["kind"]: "anomaly"})
    newer = write(tmp_path / "newer.log", 250, {70, 71, 72}, day=2)
    continue_training(bundle, str(newer), tmp_path / "on", run_settings())
    assert "not applied to these logs" in capsys.readouterr().err
    one, other = Bundle.load(bundle), Bundle.load(tmp_path / "on")
    assert len(other.validation["ensemble"]) > len(one.validation["ensemble"])
    with pytest.raises(BundleError, match="with --from"):
        review(tmp_path / "on")


def test_feedback_stays_after_a_review(bundle, home, tmp_path):
    alerts = tmp_path / "alerts.json"
    first = detect_into(alerts, None, bundle, str(home / "app.log")).to_json()["alerts"][0]["alert_id"]
    give_feedback(bundle, alerts, Verdicts(false_alarms=(first,)))
    silenced = detect(bundle, str(home / "app.log")).to_json()["silenced"]
    kinds = [one["kind"] for one in review(bundle)["questions"] if one["learnt"]]
    review(bundle, words={kinds[0]: "normal"})
    assert silenced and detect(bundle, str(home / "app.log")).to_json()["silenced"] == silenced
    assert len(Bundle.load(bundle).feedback) == 1


@pytest.mark.parametrize("moment", [2**63 - 1, -(2**63) + 1, 253_402_300_800_000_000])
@pytest.mark.parametrize("name", ["start", "end"])
def test_times_beyond_all_calendars_are_refused(bundle, name, moment):
    table = pq.read_table(bundle / SESSIONS_FILE)
    values = table[name].cast(pa.int64()).to_pylist()
    column = pa.array([*values[:-1], moment], pa.int64()).cast(table[name].type)
    table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, bundle / SESSIONS_FILE)
    reseal(bundle)
    with pytest.raises(BundleError, match=f"'{name}' of {SESSIONS_FILE}"):
        Bundle.load(bundle)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308, -1e308])
def test_a_suspicion_that_no_training_writes_is_refused(bundle, value):
    table = pq.read_table(bundle / ROWS_FILE)
    column = pa.array([value, *table["suspicion"].to_pylist()[1:]])
    pq.write_table(table.set_column(table.column_names.index("suspicion"), "suspicion", column), bundle / ROWS_FILE)
    reseal(bundle)
    with pytest.raises(BundleError, match="suspicion"):
        Bundle.load(bundle)


def test_a_review_takes_nothing_out_of_a_bundle(bundle):
    """How often each message comes was lost, as was whatever a review did not know of."""

    def files() -> set[str]:
        return {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}

    before, rates = files(), (bundle / "rates.parquet").read_bytes()
    kind = review(bundle)["questions"][0]["kind"]
    review(bundle, words={kind: "normal"})
    assert files() == before | {"review.json"}
    assert (bundle / "rates.parquet").read_bytes() == rates


@pytest.mark.slow
def test_a_bundle_is_the_same_where_text_is_not_utf_8_by_default(home, tmp_path):
    """Training ended with an error after all its work: settings hold «µs»."""
    text = (home / "app.log").read_text("utf-8").replace("quota exceeded", "Überlauf 日本")
    (tmp_path / "app.log").write_text(text, "utf-8")
    ascii_ = os.environ | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    code = "from logradar.cli import main; main()"
    for words in (["train", tmp_path / "app.log", "-o", tmp_path / "b", "-q"], ["review", tmp_path / "b", "--json"]):
        call = [sys.executable, "-c", code, *map(str, words)]
        done = subprocess.run(call, env=ascii_, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    assert any("Überlauf 日本" in one["lines"] for one in json.loads(done.stdout)["questions"])
