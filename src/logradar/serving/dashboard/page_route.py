"""Page route: what goes wrong on the way to a page is a page too, with a sentence and a way out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from logradar.core.errors import LogRadarError
from logradar.serving.dashboard.site import Site
from logradar.serving.store.errors import QueryError, StoreError

PART: Final = "x-logradar-part"  # of a request of static/parts.js, which takes parts of the answer
_INTO_NOTICE: Final = {"X-LogRadar-Only": "notice"}
_WRONG: Final = "The address of this page is wrong: it asks for something that does not exist."


class PageRoute(APIRoute):
    """A route of the dashboard. Who has no key yet is sent to the page where one is shown."""

    site: Site

    @classmethod
    def of(cls, site: Site) -> type[PageRoute]:
        """The class of the routes of a site."""
        return type("PageRouteOfSite", (cls,), {"site": site})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, with errors as pages."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except HTTPException as error:
                if error.status_code == 401 and not request.url.path.endswith("/sign-in"):
                    return _to_sign_in(request)
                return self._page(request, error.status_code, str(error.detail), dict(error.headers or {}))
            except RequestValidationError:
                return self._page(request, 422, _WRONG)
            except QueryError as error:
                return self._page(request, 422, str(error))
            except StoreError as error:
                return self._page(request, 503, str(error))
            except LogRadarError as error:
                return self._page(request, 422, str(error))

        return handled

    def _page(self, request: Request, status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
        part = bool(request.headers.get(PART))  # a script sent a form, and stays on its page
        answer = self.site.page(
            request,
            "problem.html",
            title="Not done",
            status=status,
            sentence=sentence,
            notice=(False, sentence) if part else None,
        )
        answer.status_code = status
        answer.headers.update((headers or {}) | (_INTO_NOTICE if part else {}))
        return answer


def _to_sign_in(request: Request) -> Response:
    """A part of a page that is renewed cannot follow, so the whole page goes there."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET":
        here = "/dashboard"
    target = f"/dashboard/sign-in?to={quote(here, safe='')}"
    if request.headers.get(PART):
        return Response(status_code=204, headers={"X-LogRadar-Location": target})
    return RedirectResponse(target, 303)
