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
# # 1 · Pretrain on HDFS
#
# A DistilBERT learns normal sessions of HDFS by guessing hidden words and missing events. No labels are needed to learn;
# they only keep anomalies out of the training part, and measure the result at the end. Notebook 0 comes before.
#
# The same from the command line: `logradar train hdfs -o artifacts/bundles/hdfs -c configs/train_hdfs.yaml`

# %%
import json
import os
import shutil
from pathlib import Path

import polars as pl
from IPython.display import Image

from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.export import export
from logradar.pipeline.train_once import is_newer, train_once
from logradar.training.accelerate_config import AccelerateSettings, write_accelerate_config

ROOT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs" / "data.yaml").is_file())
os.chdir(ROOT)
ARTIFACTS = Path(os.environ.get("LOGRADAR_ARTIFACTS", "artifacts"))

# %% [markdown]
# ## How much is trained
#
# `FULL = True` trains with the sizes and epochs of `configs/train_hdfs.yaml`. The small settings take minutes on two
# cores.

# %%
FULL = os.environ.get("LOGRADAR_FULL") == "1"
epochs = os.environ.get("LOGRADAR_EPOCHS", "8")
small = ["hidden=64", "intermediate=256", f"training.epochs={epochs}"]
changes = [f"detectors.distilbert.tokenizer={ARTIFACTS / 'tokenizer'}"]
changes += [] if FULL else [f"detectors.distilbert.{change}" for change in small]
settings = run_settings(Path("configs/train_hdfs.yaml"), changes)
settings.make("distilbert").settings

# %% [markdown]
# ## The machine
#
# One process trains here. For several GPUs, `logradar accelerate` writes the file that `accelerate launch` takes: number
# of GPUs, port, ZeRO-2. On an Apple machine, `ACCELERATE_USE_MPS_DEVICE=0` trains on the CPU.

# %%
import torch  # after logradar, which says how its threads wait for each other

gpus = torch.cuda.device_count()
launch = write_accelerate_config(
    ARTIFACTS / "accelerate_config.yaml", AccelerateSettings(processes=max(gpus, 1), port=29_501, cpu=gpus == 0)
)
print(launch.read_text())
print("GPUs:", gpus, "· Apple MPS:", torch.backends.mps.is_available(), "· CPU threads:", torch.get_num_threads())

# %% [markdown]
# ## Train

# %%
bundle = ARTIFACTS / "bundles" / "hdfs"
figures = train_once("hdfs", bundle, settings)
history = pl.DataFrame(json.loads((bundle / "history.json").read_text())["distilbert"])
history

# %%
Image(str(bundle / "training" / "distilbert" / "curve.png"), width=760)

# %%
print((bundle / "training" / "distilbert" / "training.log").read_text()[-1500:])

# %% [markdown]
# ## Keep the model for other programs
#
# `artifacts/logbert-mlm-hdfs/` is a folder that `transformers` loads as `DistilBertForMaskedLM`, with its tokenizer.

# %%
model = ARTIFACTS / "logbert-mlm-hdfs"
if not is_newer(model / "model.safetensors", bundle):
    shutil.rmtree(model, ignore_errors=True)
    print(export(bundle, model, form="transformers"))

# %% [markdown]
# ## How well it finds anomalies that it never saw
#
# The later half of the sessions, with simple detectors beside the model.

# %%
metrics = ARTIFACTS / "metrics" / "hdfs"
metrics.mkdir(parents=True, exist_ok=True)
if not is_newer(metrics / "evaluation.json", bundle):
    (metrics / "history.json").write_text(json.dumps(history.to_dicts(), indent=1))
    (metrics / "evaluation.json").write_text(json.dumps(evaluate(bundle, "hdfs").document, indent=1, default=str))
measured = json.loads((metrics / "evaluation.json").read_text())
pl.DataFrame(
    [
        {"detector": name, **{key: one.get(key) for key in ("f1", "precision", "recall", "pr_auc", "roc_auc")}}
        for name, one in measured["detectors"].items()
    ]
)
