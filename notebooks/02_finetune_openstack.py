# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2 · Fine-tune on OpenStack
#
# The model of HDFS learns another system, OpenStack, from labelled sessions: most are normal, some have an injected
# fault. So that it does not forget, some HDFS sessions are replayed. Notebooks 0 and 1 come before.
#
# The same from the command line: `logradar train openstack -o artifacts/bundles/openstack -c configs/train_openstack.yaml`

# %%
import json
import os
from pathlib import Path

import polars as pl
from IPython.display import Image

from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.export import export
from logradar.pipeline.train_once import is_newer, train_once

ROOT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs" / "data.yaml").is_file())
os.chdir(ROOT)
ARTIFACTS = Path(os.environ.get("LOGRADAR_ARTIFACTS", "artifacts"))

# %% [markdown]
# ## How it is fine-tuned
#
# `FULL = True` trains as long as `configs/train_openstack.yaml` says. Try `LORA = 8`: then only small matrices beside
# the weights are trained. `REPLAY = 0` replays no HDFS sessions.

# %%
FULL = os.environ.get("LOGRADAR_FULL") == "1"
REPLAY, LORA = 0.2, 0
changes = {"start": str(ARTIFACTS / "bundles" / "hdfs"), "replay": REPLAY, "lora": LORA}
changes |= {} if FULL else {"training.epochs": os.environ.get("LOGRADAR_EPOCHS", "6")}
settings = run_settings(
    Path("configs/train_openstack.yaml"),
    [f"detectors.distilbert_classifier.{name}={value}" for name, value in changes.items()],
)
settings.make("distilbert_classifier").settings

# %% [markdown]
# ## Train, until the validation loss no longer falls

# %%
bundle = ARTIFACTS / "bundles" / "openstack"
figures = train_once("openstack", bundle, settings)
log = (bundle / "training" / "distilbert_classifier" / "training.log").read_text().splitlines()
print(log[-1])  # why it ended, and which epoch is kept

# %%
pl.DataFrame(json.loads((bundle / "history.json").read_text())["distilbert_classifier"])

# %% [markdown]
# ## Measure it on the other half
#
# The threshold comes from normal validation sessions; no session of the test part has been seen. Simple detectors
# stand beside it, which need no labels.

# %%
evaluation = ARTIFACTS / "eval"
evaluation.mkdir(parents=True, exist_ok=True)
if not is_newer(evaluation / "metrics.json", bundle):
    result = evaluate(bundle, "openstack")
    for picture in result.draw(evaluation):
        if picture.stem == "confusion-matrix":
            picture.replace(evaluation / "confusion_matrix.png")
    (evaluation / "metrics.json").write_text(json.dumps(result.document, indent=1, default=str))
measured = json.loads((evaluation / "metrics.json").read_text())
names = ("f1", "precision", "recall", "pr_auc", "roc_auc")
pl.DataFrame(
    [{"detector": name, **{key: one.get(key) for key in names}} for name, one in measured["detectors"].items()]
)

# %%
Image(str(evaluation / "confusion_matrix.png"), width=420)

# %% [markdown]
# ## Export
#
# TorchScript and ONNX, each compared with the trained model on real sessions: `difference` is the largest one.

# %%
exported = ARTIFACTS / "exported_models"
exported.mkdir(parents=True, exist_ok=True)
if not is_newer(exported / "differences.json", bundle):
    facts = [export(bundle, exported / f"openstack.{form}") for form in ("onnx", "ts")]
    (exported / "differences.json").write_text(json.dumps(facts, indent=1))
pl.read_json(exported / "differences.json")
