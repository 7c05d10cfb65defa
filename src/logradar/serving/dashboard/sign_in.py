"""Sign in: a person shows a key once, and the browser gets a cookie."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from logradar.serving.dashboard.site import FORM, Fields, Site, short


def add(router: APIRouter, site: Site) -> None:
    """Add the routes."""

    @router.get("/sign-in")
    async def sign_in(request: Request, to: str = "") -> Response:
        if not site.guard.enabled:
            return RedirectResponse("/dashboard", 303)
        return site.page(request, "sign_in.html", title="Sign in", to=_ours(to), problem="")

    @router.post("/sign-in", dependencies=[Depends(short)])
    async def signed_in(request: Request, said: Fields = FORM) -> Response:
        to = _ours(said.get("to", ""))
        if not site.guard.enabled:
            return RedirectResponse(to, 303)
        try:
            cookie = await site.guard.sign_in(request, said.get("key", ""))
        except HTTPException as error:
            answer: Response = site.page(request, "sign_in.html", title="Sign in", to=to, problem=str(error.detail))
            answer.status_code = error.status_code
            return answer
        answer = RedirectResponse(to, 303)
        site.guard.set_cookie(request, answer, cookie)
        return answer

    @router.post("/sign-out", dependencies=[Depends(short)])
    async def signed_out() -> Response:
        answer = RedirectResponse("/dashboard/sign-in", 303)
        site.guard.clear_cookie(answer)
        return answer


def _ours(to: str) -> str:
    """Where to go on: a page of the dashboard, never another site.

    >>> _ours("/dashboard/lines?text=a"), _ours("//evil.example"), _ours("/dashboard/\\\\evil.example")
    ('/dashboard/lines?text=a', '/dashboard', '/dashboard')
    """
    plain = to.startswith(("/dashboard/", "/dashboard?")) and "\\" not in to and to.isprintable()
    return to if plain else "/dashboard"
