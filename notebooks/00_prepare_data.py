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
# # 0 · Prepare the data
#
# Two logs become words: HDFS, on which a language model is trained, and OpenStack, on which it is fine-tuned. This
# notebook reads them, masks what varies, mines templates, learns one tokenizer for both, and writes all sessions as
# tokens to `artifacts/`. Run it as often as you like: where nothing has changed, nothing is done.
#
# The same from the command line: `logradar prepare -o artifacts --format texts -c configs/data.yaml`

# %%
import os
from pathlib import Path

import polars as pl
from IPython.display import display

from logradar.pipeline.preparation.prepare_texts import prepare_texts, text_settings
from logradar.sources.download.downloading import download
from logradar.sources.download.settings import download_settings

ROOT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs" / "data.yaml").is_file())
os.chdir(ROOT)
ARTIFACTS = Path(os.environ.get("LOGRADAR_ARTIFACTS", "artifacts"))

# %% [markdown]
# ## Settings
#
# All of them are in `configs/data.yaml`: inputs, masks and normalisation rules, Drain's parameters, shares of the split.
# A wrong one is an error with a suggestion. Inputs are named data sets of the folder `LOGRADAR_DATA`; name a file or a
# folder of your own instead.

# %%
settings = text_settings(Path("configs/data.yaml"), [], {}, None)
settings.inputs, settings.parsing.drain, settings.split

# %% [markdown]
# ## The logs
#
# `DOWNLOAD = True` gets the archives of `configs/download.yaml` (loghub on Zenodo) into `data/`, checks them, goes on
# where it was interrupted, and takes files that you put there by hand. Without a network it says which folder serves.

# %%
DOWNLOAD = False
if DOWNLOAD:
    download(["hdfs"], Path("data"), download_settings(Path("configs/download.yaml"), []))
print("Data sets come from", os.environ.get("LOGRADAR_DATA", "the folder data") + ".")

# %% [markdown]
# ## Read, mine templates, learn a tokenizer, write tokens

# %%
figures = prepare_texts(ARTIFACTS, settings)

# %% [markdown]
# ## What the lines become
#
# The line as it was written, with its variable parts masked, and as the tokenizer sees it.

# %%
pl.Config.set_fmt_str_lengths(120)
pl.concat([pl.DataFrame(figures[name]["preview"]).with_columns(log=pl.lit(name)) for name in settings.inputs])

# %% [markdown]
# ## Templates
#
# Drain's templates of the normal sessions before the cut; the state of the miner is in `artifacts/drain3/`.

# %%
for name in settings.inputs:
    templates = pl.read_parquet(ARTIFACTS / "drain3" / name / "templates.parquet")
    print(f"{name}: {len(templates)} templates")
    display(templates.select("template_id", "count", "template").sort("count", descending=True).head(8))

# %% [markdown]
# ## Sessions

# %%
rows = [
    {
        "log": name,
        "part": part,
        **figures[name]["sessions"][part],
        "records": figures[name]["records"],
        "templates": figures[name]["templates"],
        "median tokens": figures[name]["tokens_of_a_session"]["median"],
        "longest": figures[name]["tokens_of_a_session"]["longest"],
    }
    for name in settings.inputs
    for part in figures[name]["sessions"]
]
pl.DataFrame(rows)

# %%
pl.read_parquet(ARTIFACTS / "datasets" / "hdfs_train.parquet").head(5)

# %% [markdown]
# The tokenizer is in `artifacts/tokenizer/`, the sessions in `artifacts/datasets/*.parquet`, and for `datasets` of
# Hugging Face in `artifacts/datasets/*_hf/`.

# %%
sorted(str(path) for path in ARTIFACTS.glob("*/*"))
