"""Templates, read: the kinds of messages that a bundle knows, by age, by count or by growth."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Select, cast, func, select

from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.filters import has_words
from logradar.serving.store.paging import Order, Page, decoded, encoded, require_range
from logradar.serving.store.schema import TEMPLATE_COUNTS, TEMPLATES
from logradar.serving.store.texts import asked_name

_T, _C = TEMPLATES.c, TEMPLATE_COUNTS.c
_KEY: Final = (_T.bundle, _T.template_id)
_HOUR: Final = 3_600_000_000
_SHOWN: Final = ("bundle", "template_id", "template", "example", "service", "first_at", "last_at", "count")
_ORDERS: Final = {
    "new": Order("templates by age", (_T.first_at, *_KEY), (int, str, int)),
    "count": Order("templates by count", (_T.count, *_KEY), (int, str, int)),
}
_MINUTES: Final = 10_000  # that come with one template


class Templates(Database):
    """Reads templates; times are microseconds."""

    def templates(
        self,
        *,
        bundle: str | None = None,
        text: str | None = None,
        service: str | None = None,
        order: str = "new",
        cursor: str | None = None,
        limit: int = 50,
        window: int = _HOUR,
    ) -> Page:
        """A page of templates, by ``order``: the newest, the most frequent (count), or growing most.

        One has ``bundle``, ``template_id``, ``template``, ``example``, ``service``, ``first_at``, ``last_at``,
        ``count`` and ``growth``: its records of the last ``window`` (microseconds) less those of the window before,
        where the end is the last record of any template; None except by growth.
        """
        asked = has_words(_T.search, text)
        if bundle is not None:
            asked.append(_T.bundle == asked_name(bundle))
        if service is not None:
            asked.append(_T.service == asked_name(service))
        if order == "growth":
            return self._growing(asked, cursor, limit, window)
        if order not in _ORDERS:
            raise QueryError(f"Templates are sorted by new, count or growth, not by '{order[:40]}'.")
        return self._page(select(TEMPLATES).where(*asked), _ORDERS[order], cursor, limit, _item)

    def template(self, bundle: str, template_id: int, *, since: int | None = None) -> dict[str, Any] | None:
        """One template with ``minutes``: its last (minute in microseconds, count), the earliest first; or None."""
        require_range(template_id, "template_id")
        require_range(since, "since")
        name = asked_name(bundle)
        minutes = select(_C.minute, _C.count).where(_C.bundle == name, _C.template_id == template_id)
        if since is not None:
            minutes = minutes.where(_C.minute >= since)
        with self.reading() as connection:
            query = select(TEMPLATES).where(_T.bundle == name, _T.template_id == template_id)
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            counts = connection.execute(minutes.order_by(_C.minute.desc()).limit(_MINUTES)).all()
        return {**_item(row), "minutes": [[minute, count] for minute, count in reversed(counts)]}

    def _growing(self, asked: list[Any], cursor: str | None, limit: int, window: int) -> Page:
        if not 0 < window <= 366 * 24 * _HOUR:
            raise QueryError("Growth is that of a window of one microsecond to a year: give another one.")
        end, inner = (None, None) if cursor is None else _parts(cursor)
        with self.reading() as connection:
            if end is None:  # later pages compare the same windows
                end = connection.scalar(select(func.max(_T.last_at)).where(*asked)) or 0
            order, query = _by_growth(asked, end, window)
            rows = connection.execute(order.page(query, inner, limit)).all()
        following = order.cursor(rows, limit)
        items = [{**_item(row), "growth": row.growth} for row in rows[:limit]]
        return Page(items, None if following is None else encoded("growing", [end, following]))


def _parts(cursor: str) -> tuple[int, str]:
    end, inner = decoded(cursor, "growing", (int, str))
    return end, inner


def _by_growth(asked: list[Any], end: int, window: int) -> tuple[Order, Select[Any]]:
    middle = end - window
    late = func.coalesce(func.sum(_C.count).filter(_C.minute > middle), 0)
    early = func.coalesce(func.sum(_C.count).filter(_C.minute <= middle), 0)
    counts = (
        select(_C.bundle, _C.template_id, (late - early).label("growth"))
        .where(_C.minute > middle - window, _C.minute <= end)
        .group_by(_C.bundle, _C.template_id)
        .subquery()
    )
    same = (counts.c.bundle == _T.bundle) & (counts.c.template_id == _T.template_id)
    growth = cast(func.coalesce(counts.c.growth, 0), BigInteger).label("growth")
    found = select(TEMPLATES, growth).select_from(TEMPLATES.outerjoin(counts, same)).where(*asked).subquery()
    return Order("growth", (found.c.growth, found.c.bundle, found.c.template_id), (int, str, int)), select(found)


def _item(row: Any) -> dict[str, Any]:
    found = row._mapping
    return {**{name: found[name] for name in _SHOWN}, "growth": None}
