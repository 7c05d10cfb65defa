"""Parameters: the values in a line at the positions of the masks and wildcards of its template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa

from logradar.parsing.drain import WILDCARD_TEXT
from logradar.parsing.interning import Ids
from logradar.parsing.masking import MaskingSettings

_BLANK = r"[\s\x1c-\x1f]"
_MOST, _LONGEST = 250, 2_000  # values and tokens of a template; building a larger regex takes seconds


def parameters(
    lines: pl.Series,
    template_ids: Ids,
    templates: Mapping[int, str],
    masking: MaskingSettings,
    delimiters: Sequence[str],
) -> pa.Array:
    """The values in each line as ``list<string>``: one for each mask and wildcard of its template, in order.

    One regex for each template is applied to all its lines at once. The list is null where the template is not in
    ``templates``, does not match the line, or has more than 250 values or 2,000 tokens.
    """
    frame = pl.DataFrame({"line": lines, "template": template_ids}).with_row_index("row")
    blank = "(?:" + "|".join([_BLANK, *map(re.escape, delimiters)]) + ")"
    parts = [frame.clear().select("row", pl.lit(None, pl.List(pl.String)).alias("values"))]
    for (template_id,), rows in frame.group_by("template"):
        text = templates.get(template_id)
        if text is None or text.count(" ") >= _LONGEST:
            continue
        values = _extracted(rows["line"], text, masking, blank, strict=True)
        failed = values.is_null()
        if failed.any():
            lenient = _extracted(rows["line"].filter(failed), text, masking, blank, strict=False)
            values = pl.concat([values.filter(~failed), lenient])
            rows = pl.concat([rows.filter(~failed), rows.filter(failed)])
        parts.append(rows.select("row", values.alias("values")))
    every = frame.select("row").join(pl.concat(parts), on="row", how="left", maintain_order="left")["values"]
    return every.to_arrow().cast(pa.list_(pa.string()))


def _extracted(lines: pl.Series, template: str, masking: MaskingSettings, blank: str, strict: bool) -> pl.Series:
    nothing = pl.Series([None] * len(lines), dtype=pl.List(pl.String))
    pattern, count = _pattern(template, masking, blank, strict)
    if count > _MOST:
        return nothing
    line, values = pl.col("line"), pl.col("values")
    frame = lines.to_frame("line")
    try:
        if not count:
            empty = pl.lit([], dtype=pl.List(pl.String))
            return frame.select(pl.when(line.str.contains(pattern)).then(empty)).to_series()
        groups = frame.select(line.str.extract_groups(pattern).alias("values"))
        fields = [values.struct.field(f"p{i}") for i in range(count)]
        return groups.select(pl.when(fields[0].is_not_null()).then(pl.concat_list(fields))).to_series()
    except pl.exceptions.ComputeError:  # the template is too long for a regex
        return nothing


def _pattern(template: str, masking: MaskingSettings, blank: str, strict: bool) -> tuple[str, int]:
    """A regex for the lines of a template, with a group ``p0``, ``p1``, … for each value, and the number of groups."""
    rules: dict[str, list[str]] = {}
    for rule in masking.ordered:
        rules.setdefault(rule.token, []).append(f"(?:{rule.regex})")
    tokens = "|".join(map(re.escape, sorted([*rules, WILDCARD_TEXT], key=len, reverse=True)))
    count, words = 0, []
    for word in template.split(" ") if template else []:
        pieces = re.split(f"({tokens})", word)
        written = ""
        for piece in pieces:
            if piece == WILDCARD_TEXT or piece in rules:
                value = "|".join(rules.get(piece, [r"\S+"])) if strict else ".+?"
                written += f"(?P<p{count}>{value})"
                count += 1
            else:
                written += re.escape(piece)
        words.append(written)
    return f"(?s)^{blank}*{(blank + '+').join(words)}{blank}*$", count
