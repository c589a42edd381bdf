"""What may somebody with the admin token do to the gateway?"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo import members as pool
from demo.cache import Cache
from demo.members import Members

Endpoint = Callable[[Request], Awaitable[Response]]


def application(members: Members, cache: Cache, token: str, *, key_made: str) -> Starlette:
    def guarded(act: Callable[[Request, dict[str, Any]], Any]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                return JSONResponse({"error": "This needs the admin token."}, 401)
            try:
                body = await request.json() if await request.body() else {}
            except ValueError:
                return JSONResponse({"error": "The request's body is not JSON."}, 400)
            try:
                return JSONResponse(act(request, body if isinstance(body, dict) else {}))
            except pool.RefusedError as refusal:
                return JSONResponse({"error": str(refusal)}, 409)

        return endpoint

    def show(_: Request, __: dict[str, Any]) -> Any:
        checked = {
            "path": pool.HEALTH_PATH,
            "every_s": pool.EVERY_S,
            "timeout_s": pool.WITHIN_S,
            "healthy_after": pool.HEALTHY_AFTER,
            "unhealthy_after": pool.UNHEALTHY_AFTER,
        }
        shown = [member.shown() for member in members.all.values()]
        able = sum(member["takes_requests"] for member in shown)
        ill = sum(not member["healthy"] for member in shown)
        return {
            "members": shown,
            "total": len(shown),
            "taking_requests": able,
            "ill": ill,
            "health_check": checked,
        }

    def add(_: Request, body: dict[str, Any]) -> Any:
        name, url = body.get("name"), body.get("url")
        if not (
            isinstance(name, str) and name.isidentifier() and isinstance(url, str) and url.startswith("http://127.")
        ):
            raise pool.RefusedError('Say {"name": "c", "url": "http://127.0.0.4:PORT"}.')
        return members.add(name, url).shown()

    def remove(request: Request, _: dict[str, Any]) -> Any:
        members.remove(request.path_params["name"])
        return {"removed": request.path_params["name"]}

    def purge(_: Request, body: dict[str, Any]) -> Any:
        prefix = body.get("prefix", "/assets/")
        if not isinstance(prefix, str) or not prefix.startswith("/"):
            raise pool.RefusedError('Say which paths, as in {"prefix": "/assets/"}.')
        return {"purged": cache.purge(prefix), "prefix": prefix}

    return Starlette(
        routes=[
            Route("/members", guarded(show), methods=["GET"]),
            Route("/members", guarded(add), methods=["POST"]),
            Route("/members/{name}", guarded(remove), methods=["DELETE"]),
            Route(
                "/members/{name}/drain",
                guarded(lambda r, _: members.drain(r.path_params["name"]).shown()),
                methods=["POST"],
            ),
            Route(
                "/members/{name}/undrain",
                guarded(lambda r, _: members.undrain(r.path_params["name"]).shown()),
                methods=["POST"],
            ),
            Route("/cache", guarded(lambda _, __: {"paths": cache.paths()}), methods=["GET"]),
            # What a vault tells of a secret without telling the secret.
            Route("/keys/api", guarded(lambda _, __: {"data": {"created_time": key_made}}), methods=["GET"]),
            Route("/purge", guarded(purge), methods=["POST"]),
        ]
    )
