"""An app is allowed in as Slack does it: a person says yes, and a code becomes a token once."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.conftest import BOT_TOKEN, Person

BACK = "https://app.example/slack/oauth_redirect"
CLIENT = {"client_id": "sandbox-client-id", "client_secret": "sandbox-client-secret"}


async def answer(person: Person, how: str) -> dict[str, list[str]]:
    """What the app gets back when a person has answered on the page."""
    made = AuthorizeUrlGenerator(
        client_id="sandbox-client-id", scopes=["chat:write"], redirect_uri=BACK,
        authorization_url=f"{person.url}/oauth/v2/authorize",
    ).generate("the-state")  # fmt: skip
    page = await person.http.get(made)
    assert "T-Minus wants into Acme" in page.text
    assert "chat:write" in page.text
    form = {"client_id": "sandbox-client-id", "redirect_uri": BACK, "state": "the-state", "scope": "chat:write"}
    sent = await person.http.post(f"{person.url}/oauth/v2/authorize", data=form | {"as": "U0ANA", "answer": how})
    assert sent.status_code == 302
    assert sent.headers["location"].startswith(BACK)
    return parse_qs(urlsplit(sent.headers["location"]).query)


@pytest.mark.filterwarnings("ignore:BasicAuth:DeprecationWarning")  # slack_sdk's own use of aiohttp
async def test_a_code_becomes_a_token_and_works_once(person: Person):
    told = await answer(person, "allow")
    assert told["state"] == ["the-state"]
    client = AsyncWebClient(base_url=f"{person.url}/api/")
    token = await client.oauth_v2_access(**CLIENT, code=told["code"][0], redirect_uri=BACK)
    assert (token["access_token"], token["team"]["id"]) == (BOT_TOKEN, "T0ACME")
    assert (token["scope"], token["authed_user"]["id"]) == ("chat:write", "U0ANA")
    with pytest.raises(SlackApiError, match="invalid_code"):
        await client.oauth_v2_access(**CLIENT, code=told["code"][0])


async def test_who_says_no_sends_no_code(person: Person):
    assert await answer(person, "cancel") == {"state": ["the-state"], "error": ["access_denied"]}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "other"}, "invalid_client_id"),
        ({"client_secret": "other"}, "bad_client_secret"),
        ({"code": "made-up"}, "invalid_code"),
        ({"redirect_uri": "https://elsewhere.example/"}, "bad_redirect_uri"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(person: Person, change: dict[str, str], error: str):
    code = (await answer(person, "allow"))["code"][0]
    asked = {**CLIENT, "code": code, "redirect_uri": BACK, **change}
    basic = base64.b64encode(f"{asked.pop('client_id')}:{asked.pop('client_secret')}".encode()).decode()
    url = f"{person.url}/api/oauth.v2.access"
    reply = await person.http.post(url, data=asked, headers={"authorization": f"Basic {basic}"})
    assert reply.json() == {"ok": False, "error": error}


async def test_an_unknown_app_gets_a_sentence_and_no_page(person: Person):
    reply = await person.http.get(f"{person.url}/oauth/v2/authorize", params={"client_id": "x", "redirect_uri": BACK})
    assert (reply.status_code, reply.text) == (
        400,
        "There is no app with the client id 'x'; here it is 'sandbox-client-id'.",
    )
