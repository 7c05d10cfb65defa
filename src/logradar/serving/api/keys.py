"""Keys: who may ask what; the text of a key is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from logradar.serving.api.answers import Done, answer, shown
from logradar.serving.api.asking import LARGEST
from logradar.serving.api.context import Context, routes_of
from logradar.serving.api.key_text import new_key
from logradar.serving.store.keys import ApiKey

_EXAMPLE: Final[dict[str, Any]] = {
    "key_id": 3,
    "name": "otel-collector",
    "scopes": ["ingest"],
    "created_at": 1772355600000000,
    "revoked_at": None,
    "used_at": 1772355850000000,
}


class KeyRequest(BaseModel):
    """A key that is to be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "otel-collector", "scopes": ["ingest"]}}
    )

    name: str = Field(min_length=1, max_length=100, pattern=r"\S", description="Whose it is.")
    scopes: list[Literal["ingest", "read", "write", "admin"]] = Field(
        min_length=1,
        max_length=4,
        description="ingest: send logs; read: see everything; write: feedback and notes; admin: all of it, and keys.",
    )


def add(router: APIRouter, context: Context) -> None:
    """Add the routes."""
    routes = routes_of("keys")

    @routes.get("/keys", dependencies=context.rules, summary="List keys", responses=shown({"items": [_EXAMPLE]}))
    def list_keys() -> Response:
        """All keys without their secrets, revoked ones too. Times are microseconds since 1970."""
        used, keys = context.guard.used(), context.store.keys()
        return answer({"items": [_shown(one, used.get(one.key_id)) for one in keys]})

    @routes.post(
        "/keys",
        dependencies=context.rules,
        status_code=201,
        summary="Make a key",
        responses=shown(_EXAMPLE | {"key": "lr_3_" + "0" * 64}, status=201, words="The key."),
    )
    def add_key(said: KeyRequest) -> Response:
        """Make a key. `key` is its text; it is shown this once, because only a hash of it is stored."""
        key, text = new_key(context.store, said.name, said.scopes)
        return answer(_shown(key, None) | {"key": text}, 201)

    @routes.delete(
        "/keys/{key_id}",
        dependencies=context.rules,
        summary="Revoke a key",
        responses=shown({"done": "The key 3 opens nothing any more."}, Done),
    )
    def revoke_key(key_id: Annotated[int, Path(ge=1, le=LARGEST, description="Its number.")]) -> Response:
        """Revoke a key: from now on it opens nothing, and browsers that signed in with it have to sign in again."""
        keys = context.store.keys()
        if all(one.key_id != key_id for one in keys):
            raise HTTPException(404, f"There is no key with the number {key_id}.")
        context.store.revoke_key(key_id)
        context.guard.forget()
        return answer({"done": f"The key {key_id} opens nothing any more."})

    router.include_router(routes)


def _shown(key: ApiKey, used_at: int | None) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        "used_at": used_at,
    }
