"""Drain3 beside LogRadar: the same lines, options and masks, and results in the same form."""

from __future__ import annotations

import re

from drain3.drain import Drain as Drain3

from logradar.parsing.drain import Drain, DrainSettings
from logradar.parsing.masking import MaskingSettings

SYSTEMS = ("Android", "Apache", "BGL", "HDFS", "HPC", "Hadoop", "HealthApp", "Linux", "Mac", "OpenSSH", "OpenStack")
SYSTEMS += ("Proxifier", "Spark", "Thunderbird", "Windows", "Zookeeper")
Clusters = dict[int, tuple[str, int]]


def drain3(lines: list[str], options: DrainSettings | None = None) -> tuple[list[int], Clusters]:
    """Drain3's cluster of every line, and its clusters with template and size."""
    given = dict(options or DrainSettings(max_clusters=None))
    peer = Drain3(**{**given, "extra_delimiters": list(given["extra_delimiters"])})
    numbers = [peer.add_log_message(line)[0].cluster_id for line in lines]
    return numbers, {cluster.cluster_id: (cluster.get_template(), cluster.size) for cluster in peer.clusters}


def clusters(drain: Drain) -> Clusters:
    """Our clusters in the same form."""
    rows = drain.clusters().select("number", "template", "size").iter_rows()
    return {number: (template, size) for number, template, size in rows}


def masked_by_python(lines: list[str], masking: MaskingSettings) -> list[str]:
    """The masks as Drain3 writes them: Python regexes with look-around."""
    for rule in masking.ordered:
        regex = f"(?<![A-Za-z0-9])(?:{rule.regex})(?![A-Za-z0-9])" if rule.whole else rule.regex
        compiled, token = re.compile(regex), rule.token
        lines = [compiled.sub(lambda _, token=token: token, line) for line in lines]
    return lines
