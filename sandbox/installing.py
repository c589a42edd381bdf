"""How does a person allow the app into the workspace, and how does the app turn that into a token?"""

import secrets
import time
from html import escape
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.api import method
from sandbox.box import Sandbox
from sandbox.call import Call
from sandbox.refusal import Refusal

CODE_LIVES_S = 600
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Allow {app}?</title>
<meta name="viewport" content="width=device-width"><style>body{{font:16px/1.5 sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}}
button,select{{font:inherit;padding:.4rem 1rem;margin:.5rem .5rem 0 0}}</style>
<main><h1>{app} wants into {team}</h1><p>It asks for:</p><ul>{scopes}</ul><form method="post">{hidden}
<label>Acting as <select name="as">{people}</select></label><br>
<button name="answer" value="allow">Allow</button><button name="answer" value="cancel">Cancel</button></form></main></html>"""
CARRIED = ("client_id", "redirect_uri", "state", "scope")


def routes(box: Sandbox) -> list[Route]:
    async def ask(request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in CARRIED}
        if wrong := _wrong(box, asked):
            return PlainTextResponse(wrong, status_code=400)
        scopes = "".join(f"<li><code>{escape(each)}</code></li>" for each in asked["scope"].split(",") if each)
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in asked.items()
        )
        people = "".join(
            f'<option value="{escape(user.id)}">{escape(user.real_name)}</option>' for user in box.workspace.people()
        )
        names = {"app": escape(box.world.app.name), "team": escape(box.world.team.name)}
        return HTMLResponse(PAGE.format(**names, scopes=scopes, hidden=hidden, people=people))

    async def decide(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        asked = {name: form.get(name, "") for name in CARRIED}
        if wrong := _wrong(box, asked):
            return PlainTextResponse(wrong, status_code=400)
        told = {"state": asked["state"]} if asked["state"] else {}
        if form.get("answer") == "allow":
            code = secrets.token_urlsafe(24)
            kept = {"made": time.time(), "user": form.get("as", ""), "redirect_uri": asked["redirect_uri"]}
            box.store.put("code", code, kept | {"scope": asked["scope"], "used": False})
            told["code"] = code
        else:
            told["error"] = "access_denied"
        joint = "&" if "?" in asked["redirect_uri"] else "?"
        return RedirectResponse(f"{asked['redirect_uri']}{joint}{urlencode(told)}", status_code=302)

    return [
        Route("/oauth/v2/authorize", ask, methods=["GET"]),
        Route("/oauth/v2/authorize", decide, methods=["POST"]),
    ]


def _wrong(box: Sandbox, asked: dict[str, str]) -> str | None:
    if asked["client_id"] != box.world.app.client_id:
        return f"There is no app with the client id {asked['client_id']!r}; here it is {box.world.app.client_id!r}."
    if not asked["redirect_uri"].startswith(("http://", "https://")):
        return "`redirect_uri` has to be the address to which the answer goes."
    return None


@method("oauth.v2.access")
def exchange(box: Sandbox, call: Call) -> dict[str, Any]:
    """A code, once and within ten minutes, becomes the app's token; the client's id and secret come with it."""
    app = box.world.app
    given, secret = call.basic or (call.text("client_id"), call.text("client_secret"))
    if given != app.client_id:
        raise Refusal("invalid_client_id")
    if secret != app.client_secret:
        raise Refusal("bad_client_secret")
    if call.get("grant_type", "authorization_code") != "authorization_code":
        raise Refusal("invalid_grant_type")
    known = box.store.get("code", call.text("code"))
    if known is None or known["used"] or time.time() - known["made"] > CODE_LIVES_S:
        raise Refusal("invalid_code")
    if call.text("redirect_uri") and call.text("redirect_uri") != known["redirect_uri"]:
        raise Refusal("bad_redirect_uri")
    box.store.put("code", call.text("code"), known | {"used": True})
    return {
        "access_token": app.bot_token,
        "token_type": "bot",
        "scope": known["scope"] or ",".join(sorted(app.scopes or ())),
        "bot_user_id": app.bot_user_id,
        "app_id": app.id,
        "team": {"id": box.world.team.id, "name": box.world.team.name},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": known["user"]},
    }
