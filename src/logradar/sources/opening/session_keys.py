"""Session keys: the field that connects the lines of a session, given as a regex or found in the lines.

The search considers fields that identify something by their name (a block, trace, request, instance, job, program and
process id, JSON keys), and all places whose tokens behave like ids (`logradar.sources.opening.id_places`). It chooses
the one that most lines contain and whose values recur in a few lines and then end. A field whose values never recur,
never change or never end is not a session key.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from logradar.core.errors import ConfigError
from logradar.sources.opening.id_places import UUID, in_order, places

VALUE: Final = r"[A-Za-z0-9_][\w@/+-]*(?:[.:][\w@/+-]+)*"
_NAMED: Final = re.compile(rf"(?<![\w.-])([A-Za-z][\w.-]{{0,40}})[\x22']?\s?[=:]\s?[\x22'\[({{<]?{VALUE}")
_PREFIXED: Final = re.compile(rf"\b([A-Za-z]{{2,20}})([_-])(?:-?[0-9]{{6,}}|{UUID})")
_ID_NAME: Final = re.compile(r"(?:[a-z0-9](?:Id|ID)|[_.-](?:id|ID|Id))$")
_THINGS: Final = (  # they begin, log some lines and end
    "trace traceid xtraceid request requestid req reqid correlation correlationid session sessionid instance "
    "instanceid transaction transactionid txn txid conversationid block blockid flow flowid operationid "
    "invocationid workflowid xrequestid xcorrelationid"
)
_OWNERS: Final = (  # they may also never end
    "job jobid attempt attemptid task taskid container containerid order orderid application applicationid run runid "
    "build buildid message messageid connection connectionid connid conn client clientid userid user appid pod podid"
)
_OTHERS: Final = (  # they look similar but are not session keys
    "spanid parentspanid parentid uid euid gid egid ppid threadid processid id eventid void valid invalid android grid "
    "hwid lineid nodeid hostid deviceid"
)
_STRONG: Final = frozenset(_THINGS.split())
_FAIR: Final = frozenset(_OWNERS.split())
_NEVER: Final = frozenset(_OTHERS.split())
_KNOWN: Final = [  # formats with an id at a fixed position, without a name
    ("trace of SkyWalking", r"\[(?:SW_CTX|TID): ?(?:\[[^,\]]*,[^,\]]*,)?([0-9a-f]{16,}[\w.]*)", 1.0),
    ("trace of Spring Sleuth", r"\[[\w.-]*,([0-9a-f]{16,32}),[0-9a-f]{16}", 1.0),
    ("trace of W3C", r"\b00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b", 1.0),
    ("UUID", rf"\b({UUID})\b", 0.75),
    ("long hexadecimal number", r"\b([0-9a-f]{32}|[0-9a-f]{16})\b", 0.7),
    ("program and process id", r"(?:^|\s)([A-Za-z][\w./-]*(?:\([\w.-]+\))?\[[0-9]+\]):", 0.6),
    ("thread", r"\[([A-Za-z][\w#.-]*[0-9]+)\]", 0.5),
]
COVERAGE: Final = 0.5  # share of lines that must contain the key
FEW: Final = 0.8  # share of lines below which a remark says what becomes of the others
DISTINCT: Final = 8  # number of different values that a sample must contain
RECURRING: Final = 0.6  # share of the lines with the key whose value is in another line too
LONGEST: Final = 0.1  # largest share of the lines with the key that one value may have
LIFETIME: Final = 0.5  # largest mean share of a file over which values may spread, if the name is ambiguous
NAMES_TRIED: Final = 12
BY_BEHAVIOUR: Final = 0.55  # weight of a place whose tokens behave like ids, without a name that says so
OFTEN: Final = 0.8  # share of its lines whose value is in another line too
SOON: Final = 0.5  # largest spread of its values, relative to that of values in random lines
NOTHING: Final = ("", "-", "N/A", "n/a", "null", "NULL", "None", "none", "nil", "undefined", "unknown", "missing")
WIDTH: Final = 1_000  # characters of a line that are searched for names


@dataclass(frozen=True)
class SessionKey:
    """A session key that was found: ``regex`` (its first group is the key), its description, figures of the sample."""

    regex: str
    what: str
    coverage: float
    values: int
    score: float
    lines: float = 0.0  # in which a value is, on average
    second: SessionKey | None = None

    def sentence(self) -> str:
        """The choice as a sentence for people: why, what the second best is, and how to change it."""
        other = ""
        if self.second:
            other = f" Second best: {self.second.what} (in {self.second.coverage:.0%}, {self.second.values:,} values)."
        few = " The other lines form windows." if self.coverage < FEW else ""
        return (
            f"Lines are grouped by {self.what}: it is in {self.coverage:.0%} of the first lines, with {self.values:,} "
            f"different values, each in {self.lines:.1f} lines on average, close to each other.{few}{other} To change "
            "this use --session-key REGEX, or --session-key '' for windows."
        )


def check_regex(regex: str) -> str:
    """Returns ``regex`` if Rust's regex engine accepts it; otherwise raises a `ConfigError` with the reason."""
    try:
        pl.Series([""]).str.extract(_grouped(regex), 1)
    except pl.exceptions.ComputeError as error:
        reason = next((line for line in str(error).splitlines() if line.startswith("error:")), "it cannot be read")
        hint = " Look-around is not supported." if "look-around" in str(error) else ""
        raise ConfigError(
            f"--session-key '{regex}' is not a regular expression ({reason.removeprefix('error: ')}).{hint} "
            "Example: --session-key 'trace=([0-9a-f]+)'."
        ) from None
    return regex


def _grouped(regex: str) -> str:
    """The regex with at least one group."""
    groups = pl.Series([""]).str.extract_groups(regex).struct.fields
    return regex if groups else f"({regex})"


def extract(text: pl.Series, body: pl.Series, regex: str) -> pl.Series:
    """Session keys of records: from the unchanged first line, else from further lines; null if there is none."""
    regex = _grouped(regex)
    keys = text.str.extract(regex, 1)
    missing = keys.is_null()
    if missing.any():
        several = missing & body.str.contains("\n", literal=True)
        if several.any():
            keys = pl.select(pl.when(several).then(body.str.extract(regex, 1)).otherwise(keys)).to_series()
    return _meaningful(keys)


def _meaningful(keys: pl.Series) -> pl.Series:
    nothing = keys.is_in(NOTHING)
    return pl.select(pl.when(~nothing).then(keys)).to_series() if nothing.any() else keys


def discover(samples: Sequence[pl.Series]) -> SessionKey | None:
    """The best session key in the first lines of one or more files, or None if there is none."""
    samples = [sample for sample in samples if len(sample)]
    if not samples:
        return None
    tried = {regex: (what, weight) for what, regex, weight in _candidates(samples)}
    usable = [key for regex, (what, weight) in tried.items() if (key := _measure(samples, what, regex, weight))]
    others = [place for place in places(samples) if place.regex not in tried]
    usable += [key for what, regex in others if (key := _measure(samples, what, regex, BY_BEHAVIOUR, behaves=True))]
    usable.sort(key=lambda key: -key.score)
    if not usable:
        return None
    best = usable[0]
    second = next((key for key in usable[1:] if not _alike(samples, best, key)), None)
    return replace(best, second=second)


def _alike(samples: Sequence[pl.Series], one: SessionKey, other: SessionKey) -> bool:
    """Whether two keys group most lines in the same way, so that the second is no alternative."""
    pairs = pl.concat(
        [
            pl.DataFrame({"one": sample.str.extract(one.regex, 1), "other": sample.str.extract(other.regex, 1)})
            for sample in samples
        ]
    ).drop_nulls()
    return len(pairs) > 0 and pairs.n_unique() <= 1.1 * min(pairs["one"].n_unique(), pairs["other"].n_unique())


def _candidates(samples: Sequence[pl.Series]) -> Iterable[tuple[str, str, float]]:
    names: Counter[str] = Counter()
    prefixes: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        for text in sample.head(4_000 // len(samples) + 100).to_list():
            names.update(set(_NAMED.findall(text[:WIDTH])))
            prefixes.update(set(_PREFIXED.findall(text[:WIDTH])))
    worth = {name: weight for name in names if (weight := _weight(name))}
    for name in sorted(worth, key=lambda name: (-worth[name] * names[name], name))[:NAMES_TRIED]:
        yield f"'{name}'", rf"\b{re.escape(name)}[\x22']?\s?[=:]\s?[\x22'\[({{<]*({VALUE})", worth[name]
    for (prefix, mark), _ in prefixes.most_common(NAMES_TRIED):
        weight = 1.0 if _plain(prefix) in _STRONG or prefix == "blk" else 0.8
        yield f"'{prefix}{mark}…'", rf"\b({re.escape(prefix)}{mark}-?[0-9a-fA-F][\w-]*)", weight
    yield from _KNOWN


def _weight(name: str) -> float:
    plain = _plain(name)
    last = _plain(re.split(r"[._]|-", name)[-1])
    if plain in _NEVER:
        return 0.0
    if plain in _STRONG or plain.removesuffix("id") in _STRONG or last in _STRONG - {"block"}:
        return 1.0
    if plain in _FAIR:
        return 0.85
    return 0.7 if _ID_NAME.search(name) else 0.0


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _measure(
    samples: Sequence[pl.Series], what: str, regex: str, weight: float, behaves: bool = False
) -> SessionKey | None:
    """The key if its values behave like those of sessions; ``behaves`` asks for more, as the name says nothing."""
    frames = []
    for sample in samples:
        keys = _meaningful(sample.str.extract(regex, 1))
        frames.append(pl.DataFrame({"key": keys, "place": pl.int_range(len(sample), eager=True) / len(sample)}))
    frame = pl.concat(frames)
    carrying = frame.filter(pl.col("key").is_not_null())
    if len(carrying) < COVERAGE * len(frame):
        return None
    counts = carrying.group_by("key").agg(pl.len(), spread=pl.col("place").max() - pl.col("place").min())
    total, several = len(carrying), counts.filter(pl.col("len") > 1)
    recurring = float(several["len"].sum()) / total
    longest = int(counts["len"].to_numpy().max(initial=0))
    if len(counts) < DISTINCT or recurring < RECURRING or longest > max(LONGEST * total, 20):
        return None
    lifetime = float(several.select((pl.col("spread") * pl.col("len")).sum() / pl.col("len").sum()).item())
    if weight < 1 and lifetime > LIFETIME:
        return None
    if behaves:
        chance = float(several.select(((pl.col("len") - 1) / (pl.col("len") + 1) * pl.col("len")).sum()).item())
        spread = float(several.select((pl.col("spread") * pl.col("len")).sum()).item())
        if recurring < OFTEN or spread > SOON * chance or in_order(carrying["key"]):
            return None
    coverage = total / len(frame)
    score = weight * coverage**1.5 * recurring * (1 - lifetime / 2)
    return SessionKey(regex, what, coverage, len(counts), score, total / len(counts))
