"""The manifests that people already have: other autoscalers' settings become ours.

Kubernetes' HPA, KEDA, Knative, AWS, Compute Engine and Azure are read, as YAML or JSON::

    for found in forescale.manifest.load(Path("hpa.yaml").read_text()):
        print(found)  # what became of each field, and which metrics to send
        scaler = forescale.Autoscaler(found.config)
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from . import _native

__all__ = ["Field", "Import", "load"]


class Field(NamedTuple):
    """A field of a manifest that holds a value, and what became of it."""

    document: int
    """The number of its document in the text, from 1."""

    path: str
    """Its place, such as ``spec.maxReplicas``."""

    fate: Literal["mapped", "approximated", "ignored"]
    """What became of it."""

    line: int | None = None
    """Its line in the text, from 1."""

    value: str | None = None
    """Its value, cut if long; None for a field that was ignored."""

    to: str | None = None
    """The setting that was made of it."""

    how: str | None = None
    """Where an approximation differs."""

    why: str | None = None
    """Why it was ignored."""


class Import(NamedTuple):
    """A workload's settings, made of another autoscaler's; as a text it is the report for people."""

    name: str
    """The foreign document's own name, with its namespace where it has one."""

    source: str
    """What it was, such as ``HorizontalPodAutoscaler autoscaling/v2``."""

    config: dict[str, Any]
    """The settings; :class:`forescale.Autoscaler` takes them."""

    config_yaml: str
    """The same as YAML."""

    fields: list[Field]
    """What became of each field, in the order of the text; each stands here once."""

    metrics: dict[str, str]
    """What the host must send, by the metric's name."""

    assumed: list[dict[str, str]]
    """Settings that the manifest does not speak of: ``setting``, ``value`` and ``why``."""

    skipped: list[dict[str, Any]]
    """Documents of the same text that were not read: ``document``, ``what`` and ``why``."""

    report: str
    """The report for people."""

    def __str__(self) -> str:
        return self.report


def load(text: str) -> list[Import]:
    """Reads the manifests in a text, one import for each workload.

    >>> text = '''
    ... apiVersion: autoscaling/v2
    ... kind: HorizontalPodAutoscaler
    ... metadata: { name: web }
    ... spec:
    ...   maxReplicas: 20
    ...   metrics:
    ...     - type: Resource
    ...       resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } }
    ... '''
    >>> [found] = load(text)
    >>> found.name, found.config["max_replicas"], list(found.metrics)
    ('web', 20, ['cpu'])

    :raises TypeError: for anything but a text, such as a path or parsed YAML.
    :raises ConfigError: for a text that is neither YAML nor JSON, a field of the wrong type or out
        of its range (with line and column), and a text without an autoscaler that is read.
    """
    if not isinstance(text, str):
        name = type(text).__name__
        raise TypeError(f"`text` is of type {name}, must be the manifest's text, as read_text() gives")
    found = json.loads(_native.load_manifest(text))
    return [
        Import(**{**each, "fields": [Field(**field) for field in each["fields"]]})
        for each in found
    ]
