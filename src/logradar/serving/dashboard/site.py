"""Site: what all pages share: the service, who may do what, and how a page is filled."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from logradar import __version__
from logradar.serving.api.guard import Guard, Principal
from logradar.serving.api.key_text import ADMIN, READ, WRITE
from logradar.serving.dashboard.rendering import Pages
from logradar.serving.service import Service
from logradar.serving.store.store import Store

_LARGEST: Final = 64 << 10  # bytes of a form
Fields = dict[str, str]


class Site:
    """The dashboard of one service."""

    def __init__(self, service: Service, guard: Guard) -> None:
        self.service, self.guard, self._pages = service, guard, Pages()

    @property
    def store(self) -> Store:
        """Where everything is read from."""
        return self.service.store

    def needs(self, scope: str) -> Any:
        """A dependency: who asks, and may do what needs this scope."""
        return Depends(self.guard.require(scope))

    @property
    def reads(self) -> Any:
        """The dependency of pages."""
        return self.needs(READ)

    @property
    def writes(self) -> list[Any]:
        """The dependencies of forms by which people say something."""
        return [Depends(short), self.needs(WRITE)]

    @property
    def rules(self) -> list[Any]:
        """The dependencies of forms that change the service."""
        return [Depends(short), self.needs(ADMIN)]

    def page(self, request: Request, template: str, *, title: str, **values: Any) -> HTMLResponse:
        """A page as a response; ``title`` is its name in the browser."""
        who: Principal | None = getattr(request.state, "principal", None)
        text = self._pages.fill(
            template,
            title=title,
            version=__version__,
            path=request.url.path,
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            asked=dict(request.query_params),
            address=f"{request.url.scheme}://{request.headers.get('host', '')}",
            token=self.guard.token(request),
            who=who if self.guard.enabled else None,
            may=lambda scope: who is None or who.may(scope),
            **values,
        )
        return HTMLResponse(text)


def short(request: Request) -> None:
    """Refuse forms without end. That a form is of this site, the application has seen to."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > _LARGEST:
        raise HTTPException(413, f"A form has at most {_LARGEST >> 10} KiB: write less.")


async def fields(request: Request) -> Fields:
    """The texts of a form."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


FORM: Final[Any] = Depends(fields)


def by(request: Request) -> str:
    """The name of who sends a form."""
    who: Principal | None = getattr(request.state, "principal", None)
    return "local" if who is None else who.name


def back(path: str, **said: str) -> Response:
    """Go on to a page after a form; ``said`` are words of its address, such as what was done."""
    query = urlencode({name: value for name, value in said.items() if value})
    return RedirectResponse(f"{path}?{query}" if query else path, 303)
