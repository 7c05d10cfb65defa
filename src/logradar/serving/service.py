"""Service: the parts of a running LogRadar, put together, and what people and programs may ask of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import orjson

from logradar import __version__
from logradar.core.bundle import MANIFEST
from logradar.core.errors import ConfigError, InputError, StateError
from logradar.core.files import draft_of
from logradar.core.locks import claimed
from logradar.core.memory import peak_mb
from logradar.core.progress import say
from logradar.pipeline.feedback import Verdicts, give_feedback
from logradar.retrieval.alert_links import AlertLinks
from logradar.retrieval.guide import Guide
from logradar.serving.detection.route import ACTIVE, SHADOW, Route, RoutePlan
from logradar.serving.detection.worker import CLOSE, REMOVE, ROUTE, SHELF, Worker, WorkerSettings
from logradar.serving.learning import NAME, Learning
from logradar.serving.notifications.delivery import Delivery
from logradar.serving.notifications.plan import Planner
from logradar.serving.notifications.receivers import receivers
from logradar.serving.settings import ServiceSettings
from logradar.serving.shelf import Shelf
from logradar.serving.store.database import now_us
from logradar.serving.store.outbox import Notification
from logradar.serving.store.store import Store
from logradar.serving.wal.landing import Landing
from logradar.serving.wal.log import TICK_SECONDS, Log, Pressure

_LATE: Final = 30.0  # seconds that detection may lag before the service says that it is not well
_SETTINGS: Final = "settings"  # what is noted of a bundle that the settings name
_OLD_COPY: Final = 86_400.0  # seconds for which the log may still name the copy of a bundle
_SOON: Final = 30.0  # seconds that a change of bundles may take


class Health(NamedTuple):
    """One part of the service: whether it is well, and a sentence."""

    name: str
    ok: bool
    sentence: str


class Service:
    """The service in its folder ``settings.home``; a context manager that starts and ends all its threads.

    ``log`` takes arrivals, ``store`` answers questions, ``guide`` explains lines by the code where it is indexed. All
    methods may be called by any thread.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        self.settings, self.started_at = settings, now_us()
        self.links = None if settings.code is None else AlertLinks.load(settings.code)
        self.guide = None if self.links is None else Guide(self.links.linker)
        self._ends = ExitStack()
        with ExitStack() as undo:  # what was opened is closed where a later part cannot be
            undo.enter_context(claimed(settings.home))
            self.store = undo.enter_context(Store.open(settings.database_url))
            pressure = Pressure(backlog_bytes=settings.backlog_mb << 20, reserve_bytes=settings.reserve_mb << 20)
            landing = Landing(settings.landing, settings.landing_seconds) if settings.landing else None
            self.log = Log(settings.home / "wal", pressure=pressure, landing=landing)
            self.shelf = Shelf(settings.home / SHELF)
            self._planner = Planner(settings.notifications.receivers)
            self.delivery = Delivery(receivers(settings.notifications), self.store)
            worker = WorkerSettings(
                lateness=max(1, round(settings.lateness_seconds / TICK_SECONDS)),
                every=settings.snapshot_seconds,
                expected=settings.format,
                most_open=settings.open_lines,
            )
            self.worker = Worker(
                self.log, self.store, settings.home, settings=worker, plan=self._plan, links=self.links
            )
            self.learning = Learning(self.store, self.worker.lines, settings.home, self._put_learnt)
            self._ends.push(undo.pop_all())
        self._rate = (time.monotonic(), 0)
        self.listeners: dict[str, Any] = {}  # what brings lines by itself: syslog, files that are followed

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._ends.close()
            raise
        return self

    def _begin(self) -> None:
        for part in (self.log, self.worker, self.delivery, self.learning):
            self._ends.enter_context(part)
        self._put_settings_to_work()
        if self.settings.learn_seconds is not None and not self.worker.routes.plans:
            self.learning.begin(self.settings.learn_seconds)

    def _put_settings_to_work(self) -> None:
        """What the settings say otherwise than at the last start; what people did since then stays as they left it."""
        at_work = {f"{plan.name}/{plan.role}": plan for plan in self.worker.routes.plans}
        before = {row["bundle"]: row["document"].get(_SETTINGS) for row in self.store.bundles()}
        wanted = {f"{one.name}/{SHADOW if one.shadow else ACTIVE}": one for one in self.settings.bundles}
        for key, plan in at_work.items():
            if wanted and key not in wanted and before.get(key):
                say(f"The {plan.role} bundle '{plan.name}' ends: the settings do not name it any more.")
                self.deactivate(plan.name, plan.role)
        for key, one in wanted.items():
            source, role = one.bundle, key.rpartition("/")[2]
            if key in at_work and before.get(key) == _named(source, one.services):
                continue
            if key in at_work and (before.get(key) or {}).get("manifest") == _manifest_of(source):
                source = at_work[key].bundle  # it is for other services, and knows what people said of it
            self.activate(source, one.name, role=role, services=one.services, named=_named(one.bundle, one.services))

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def activate(
        self,
        bundle: Path,
        name: str,
        *,
        role: str = ACTIVE,
        services: Sequence[str] = (),
        by: str = "settings",
        named: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Let a bundle work from now on, in the place of the one of this name and role; nothing that arrives is lost.

        The bundle is copied. ``named`` is what the settings say of it, where they do. Returns what `bundles` says of
        it. Raises `BundleError` for what is no bundle, and `ConfigError` for one of day files.
        """
        copy = self.shelf.put(name, bundle)
        plan = RoutePlan(name, copy, tuple(services), role)
        Route.of(plan)  # what is wrong with it is said here
        others = [one.name for one in self.worker.routes.plans if one.role == ACTIVE and not one.services]
        if role == ACTIVE and not services and any(other != name for other in others):
            raise ConfigError(
                f"'{others[0]}' judges the services that no bundle names already: give this one the same name to take "
                "its place, name the services of one of them, or let it score beside the other as a shadow."
            )
        facts = {"by": by, "from": str(bundle), _SETTINGS: named or self._named_before(name, role)}
        self.store.add_bundle(f"{name}/{role}", str(copy), role=role, services=list(services) or None, document=facts)
        self._control({"do": ROUTE, **plan.document()})
        return next((one for one in self.bundles() if one["name"] == name and one["role"] == role), plan.document())

    def _put_learnt(self, bundle: Path, name: str | None, by: str) -> str:
        """Let a bundle work that the service trained; without a name it takes the place of the one for all services."""
        plans = self.worker.routes.plans
        judging = next((one for one in plans if one.role == ACTIVE and one.name == name), None)
        if name is None:
            judging = next((one for one in plans if one.role == ACTIVE and not one.services), None)
            name = judging.name if judging else NAME
        self.activate(bundle, name, services=judging.services if judging else (), by=by)
        return name

    def deactivate(self, name: str, role: str = ACTIVE) -> None:
        """Let a bundle end; its open sessions are still judged. Raises `ConfigError` where none has this name."""
        if not any((plan.name, plan.role) == (name, role) for plan in self.worker.routes.plans):
            raise ConfigError(f"No {role} bundle has the name '{name}'.")
        self._control({"do": REMOVE, "name": name, "role": role})

    def close_input(self) -> None:
        """All sessions are over now: what was sent so far is a whole, as a file is. Returns once they are judged."""
        self._control({"do": CLOSE})

    def bundles(self) -> list[dict[str, Any]]:
        """The bundles at work, with what they were trained on."""
        found = []
        for route in list(self.worker.routes):
            bundle, facts = route.bundle, route.bundle.facts
            found.append(
                {
                    **route.plan.document(),
                    "draining": route.draining,
                    "identity": bundle.identity,
                    "detector": bundle.settings.detector,
                    "threshold": bundle.thresholds[bundle.settings.detector].value,
                    "templates": len(bundle.texts),
                    "session_key": bundle.settings.input.session_key,
                    "sessions_per_day": facts.get("sessions_per_day"),
                    "open_sessions": route.stream.open_sessions,
                    "shortened_sessions": route.stream.shortened,
                    "records": route.stream.records,
                    "drift": route.stream.figures()["drift"],
                    "rate_notes": route.stream.rate_notes(),
                }
            )
        return found

    def feedback(self, alert_ids: Sequence[str], verdict: str, by: str, note: str = "") -> dict[str, Any]:
        """What a person says of alerts: ``false_alarm`` or ``anomaly``; the bundle that raised them heeds it at once.

        Raises `InputError` for unknown alerts, for alerts of several bundles, and where a verdict would hide too much.
        """
        if verdict not in ("false_alarm", "anomaly"):
            raise ConfigError(f"A verdict is false_alarm or anomaly; '{verdict[:40]}' is neither.")
        alerts = [self.store.alert(one) for one in alert_ids]
        if missing := [one for one, found in zip(alert_ids, alerts, strict=True) if found is None]:
            raise InputError(f"There is no alert '{missing[0][:40]}'.")
        known = [one for one in alerts if one is not None]
        names = {one["bundle"] for one in known}
        if len(names) != 1:
            raise InputError("Name one alert or more, all of one bundle.")
        (name,) = names
        plan = next((one for one in self.worker.routes.plans if one.name == name and one.role == ACTIVE), None)
        if plan is None:
            raise InputError(f"The bundle '{name}' that raised these alerts is not at work any more.")
        chosen = tuple(alert_ids)
        verdicts = Verdicts(false_alarms=chosen) if verdict == "false_alarm" else Verdicts(anomalies=chosen)
        told: dict[str, Any] = {}

        def amend(copy: Path) -> None:
            file = copy.parent / "alerts.json"
            with draft_of(file) as draft:
                draft.write_bytes(orjson.dumps({"alerts": known}))
            told.update(give_feedback(copy, file, verdicts))

        copy = self.shelf.put(name, plan.bundle, change=amend)
        for one in alert_ids:
            self.store.feedback(verdict, by, alert_id=one, note=note)
        self._control({"do": ROUTE, **RoutePlan(name, copy, plan.services, plan.role).document()})
        return told | {"bundle": name}

    def figures(self) -> dict[str, Any]:
        """Figures of the service itself."""
        before, count = self._rate
        now, records = time.monotonic(), self.log.accepted
        if now - before >= 1:
            self._rate = now, records
        lag = max(0.0, (now_us() - self.worker.last_time) / 1e6) if self.log.backlog else 0.0
        return {
            "version": __version__,
            "started_at": self.started_at,
            "accepted": records,
            "refused": self.log.refused,
            "records": self.worker.records,
            "records_per_second": (records - count) / max(now - before, 1e-9),
            "lag_seconds": round(lag, 3),
            "wal_bytes": self.log.segments.size(),
            "backlog_bytes": self.log.backlog,
            "store_bytes": self.store.size_bytes(),
            "lines_bytes": self.worker.lines.size(),
            "peak_memory_mb": peak_mb(),
            "senders": self.worker.intake.senders,
            "left_out": self.worker.left_out,
            "quarantined": dict(self.worker.intake.quarantine.reasons),
            "notifications": self.delivery.figures(),
        }

    def health(self) -> list[Health]:
        """Each part of the service, and whether it is well."""
        figures = self.figures()
        plans = self.worker.routes.plans
        late = figures["lag_seconds"]
        troubled = [one for one in figures["notifications"] if one["problem"]]
        learning = self.learning.sentence()
        return [
            Health("ingest", not self.log.problem, self.log.problem or "Arrivals are written to disk."),
            Health("detection", self.worker.alive, self.worker.problem or "Detection is at work."),
            Health("lag", late <= _LATE, f"Detection is {late:.0f} s behind." if late > _LATE else "It keeps up."),
            Health(
                "bundles",
                bool(plans) or bool(learning),
                learning or (f"{len(plans)} at work." if plans else "No bundle is at work: logs are kept, not judged."),
            ),
            Health(
                "notifications",
                not troubled,
                f"{troubled[0]['name']}: {troubled[0]['problem']}" if troubled else "All receivers accept.",
            ),
        ]

    def forget_old(self) -> dict[str, int]:
        """Forget what is older than the settings keep; returns how many rows of each kind."""
        keep = self.settings.keep
        before = now_us() - round(keep.days * 86_400e6)
        gone = self.store.forget(before)
        gone["line_parts"] = self.worker.lines.forget(before, keep.lines_mb << 20)
        if self.worker.alive:  # else it may have to read again what asks for an older one
            used = {route.plan.bundle for route in list(self.worker.routes)}
            used |= {Path(one["path"]) for one in self.store.bundles()}
            gone["bundles"] = self.shelf.forget(used, before=time.time() - _OLD_COPY)
        return gone

    def _plan(self, incidents: Sequence[dict[str, Any]], bundle: str) -> list[Notification]:
        before = {row["incident_id"]: self.store.incident(row["incident_id"]) for row in incidents}
        known = {name: row for name, row in before.items() if row is not None}
        return self._planner.plan(known, incidents, bundle=bundle, now=now_us())

    def _control(self, document: dict[str, Any]) -> None:
        self.log.control(document).result(_SOON)
        if not self.worker.wait(self.log.end, _SOON):
            late = self.figures()["lag_seconds"]
            raise StateError(f"Detection is {late:.0f} s behind; it does what was asked for when it comes to it.")

    def _named_before(self, name: str, role: str) -> dict[str, Any] | None:
        """What the settings said of this name and role when they were last heeded."""
        rows = (one["document"] for one in self.store.bundles() if one["bundle"] == f"{name}/{role}")
        return next((row.get(_SETTINGS) for row in rows), None)


def _named(bundle: Path, services: Sequence[str]) -> dict[str, Any]:
    return {"from": str(bundle), "manifest": _manifest_of(bundle), "services": list(services)}


def _manifest_of(bundle: Path) -> str:
    """A checksum of the checksums of a bundle."""
    try:
        return sha256((bundle / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return ""
