"""The check `openapi`, on a real small service and its description."""

import asyncio
import json

import pytest
import yaml
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.model import Verdict
from tests.checks.asgi import serving
from tests.checks.helpers import closed_port, run_check

PRODUCT = {
    "type": "object",
    "required": ["sku", "price"],
    "properties": {
        "sku": {"type": "string"},
        "price": {"$ref": "#/components/schemas/Money"},
        "note": {"type": "string", "nullable": True},
    },
}
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "/api"}],
    "paths": {
        "/products": {
            "parameters": [{"$ref": "#/components/parameters/Page"}],
            "get": {
                "responses": {
                    "200": {
                        "description": "The catalogue",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Product"}}
                            }
                        },
                    }
                }
            },
            "post": {"responses": {"201": {"description": "Made"}}},
        },
        "/products/{sku}": {
            "parameters": [
                {"name": "sku", "in": "path", "required": True, "schema": {"type": "string"}, "example": "anvil"}
            ],
            "get": {
                "responses": {
                    "200": {
                        "description": "One",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Product"}}},
                    },
                    "404": {"$ref": "#/components/responses/NotFound"},
                }
            },
        },
        "/orders/{id}": {
            "get": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"2XX": {"description": "An order"}},
            }
        },
        "/ping": {"get": {"responses": {"default": {"description": "Whatever", "content": {"text/*": {}}}}}},
    },
    "components": {
        "schemas": {
            "Money": {"type": "number", "minimum": 0},
            "Product": PRODUCT,
        },
        "parameters": {
            "Page": {"name": "page", "in": "query", "required": True, "schema": {"type": "integer", "default": 1}}
        },
        "responses": {
            "NotFound": {
                "description": "No such",
                "content": {"application/json": {"schema": {"required": ["error"], "type": "object"}}},
            }
        },
    },
}
ANVIL = {"sku": "anvil", "price": 189.0, "note": None}


class Shop:
    """Answers as described, unless a test says otherwise."""

    def __init__(self):
        self.answers = {}
        self.asked = []

    async def any(self, request):
        self.asked.append((request.method, str(request.url).partition("/api")[2]))
        if made := self.answers.get(request.url.path):
            return made
        right = {
            "/api/openapi.json": lambda: JSONResponse(SPEC),
            "/api/products": lambda: (
                JSONResponse([ANVIL]) if request.query_params.get("page") else Response(status_code=422)
            ),
            "/api/products/anvil": lambda: JSONResponse(ANVIL),
            "/api/orders/o1": lambda: JSONResponse({"id": "o1"}),
            "/api/ping": lambda: PlainTextResponse("pong"),
        }
        return right.get(request.url.path, lambda: JSONResponse({"error": "no such"}, 404))()


@pytest.fixture
def shop():
    one = Shop()
    with serving(Starlette(routes=[Route("/{path:path}", one.any, methods=["GET", "POST", "DELETE"])])) as url:
        one.url = url
        yield one


async def measure(shop, **more):
    given = {"spec": f"{shop.url}/api/openapi.json", "allow_private": True, "examples": {"id": "o1"}}
    return await run_check("openapi", **{**given, **more})


async def test_every_get_that_can_be_asked_is_held_against_its_description(shop):
    finding = await measure(shop)

    assert finding.verdict is Verdict.PASS, finding.summary
    assert (finding.values["covered"], finding.values["operations"]) == (4, 4)
    assert finding.summary.startswith("4 of 4 GETs covered, slowest ")
    assert {method for method, _ in shop.asked} == {"GET"}
    assert ("GET", "/products?page=1") in shop.asked


async def test_what_the_description_leaves_open_can_be_given(shop):
    finding = await measure(shop, examples={})
    assert finding.verdict is Verdict.WARN
    assert finding.values["coverage"] == 0.75
    assert "3 of 4 GETs covered, 1 without an example of id, slowest " in finding.summary
    skipped = await measure(shop, skip=["/orders/{id}"])
    assert (skipped.values["operations"], skipped.values["coverage"]) == (3, 1)


@pytest.mark.parametrize(
    ("path", "answer", "verdict", "said"),
    [
        ("/api/ping", Response(status_code=500), Verdict.FAIL, "answers 500"),
        ("/api/products/anvil", Response(status_code=410), Verdict.WARN, "answers 410; described is 200, 404"),
        (
            "/api/products/anvil",
            JSONResponse({"sku": "anvil"}),
            Verdict.FAIL,
            "the body breaks 'required' of its schema",
        ),
        (
            "/api/products/anvil",
            JSONResponse(ANVIL | {"price": -1}),
            Verdict.FAIL,
            "price breaks 'minimum' of its schema",
        ),
        ("/api/products", JSONResponse([ANVIL, ANVIL | {"sku": 7}]), Verdict.FAIL, "1.sku breaks 'type' of its schema"),
        (
            "/api/products/anvil",
            JSONResponse({"oops": 1}, 404),
            Verdict.FAIL,
            "the body breaks 'required' of its schema",
        ),
        ("/api/products/anvil", JSONResponse({"error": "gone"}, 404), Verdict.PASS, "4 of 4"),
        (
            "/api/products/anvil",
            PlainTextResponse("<html>"),
            Verdict.FAIL,
            "is text/plain; described is application/json",
        ),
        ("/api/products", Response('[{"sku": "an', media_type="application/json"), Verdict.FAIL, "is no whole JSON"),
        ("/api/ping", JSONResponse({}), Verdict.FAIL, "is application/json; described is text/*"),
    ],
)
async def test_an_answer_that_is_not_as_described_is_named(shop, path, answer, verdict, said):
    shop.answers[path] = answer
    finding = await measure(shop)

    assert finding.verdict is verdict, finding.summary
    assert said in finding.summary


async def test_being_kept_out_is_neither_right_nor_wrong(shop):
    for path in ("/api/ping", "/api/products", "/api/products/anvil"):
        shop.answers[path] = Response(status_code=429)
    finding = await measure(shop, examples={})

    assert finding.verdict is Verdict.UNKNOWN
    assert finding.values["covered"] == 0


def described(spec, status):
    """The same description, in which every GET may also answer this."""
    spec = json.loads(json.dumps(spec))
    for item in spec["paths"].values():
        item["get"]["responses"][str(status)] = {"description": "Not for you"}
    return spec


async def test_a_token_that_has_ended_does_not_pass_although_401_is_described(shop):
    shop.answers["/api/openapi.json"] = JSONResponse(described(SPEC, 401))
    for path in ("/api/orders/o1", "/api/products", "/api/products/anvil"):
        shop.answers[path] = Response(status_code=401)
    finding = await measure(shop)

    assert finding.verdict is Verdict.UNKNOWN
    assert (finding.values["covered"], finding.values["kept_out"]) == (1, 3)
    assert "1 of 4 GETs covered, 3 let us not in (401); is the token right?" in finding.summary


async def test_what_is_broken_is_a_fail_although_others_let_nobody_in(shop):
    shop.answers["/api/ping"] = Response(status_code=500)
    shop.answers["/api/products"] = Response(status_code=403)
    finding = await measure(shop)

    assert finding.verdict is Verdict.FAIL
    assert finding.values["broken"] == 1


async def test_a_customer_s_data_is_not_in_the_evidence(shop):
    shop.answers["/api/products"] = JSONResponse([{"sku": 4111_1111_1111_1111, "price": 1}])
    assert "4111" not in repr(await measure(shop))


async def test_a_reference_to_somewhere_else_is_not_followed(shop, tmp_path):
    spec = json.loads(json.dumps(SPEC))
    spec["paths"] = {
        "/ping": {
            "get": {
                "responses": {
                    "200": {
                        "description": "",
                        "content": {
                            "text/plain": {},
                            "application/json": {"schema": {"$ref": f"{shop.url}/api/evil.json"}},
                        },
                    }
                }
            }
        }
    }
    shop.answers["/api/ping"] = JSONResponse({})
    shop.answers["/api/openapi.json"] = JSONResponse(spec)
    finding = await measure(shop)

    assert finding.verdict is Verdict.FAIL
    assert "cannot be held against its schema" in finding.summary
    assert not any("evil" in path for _, path in shop.asked)


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
async def test_a_file_in_yaml_is_read_in_both_versions(shop, tmp_path, version):
    spec = json.loads(json.dumps(SPEC)) | {"openapi": version}
    if version == "3.1.0":
        spec["components"]["schemas"]["Product"]["properties"]["note"] = {"type": ["string", "null"]}
    path = tmp_path / "openapi.yaml"
    path.write_text(yaml.safe_dump(spec))
    finding = await measure(shop, spec=str(path), url=f"{shop.url}/api")

    assert finding.verdict is Verdict.PASS, finding.summary


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(status_code=404), "answers 404, not with a description"),
        (PlainTextResponse("<html>"), "is no description in OpenAPI 3."),
        (PlainTextResponse("a: [b"), "is neither whole JSON nor YAML."),
        (JSONResponse({"swagger": "2.0"}), "is no description in OpenAPI 3."),
        (JSONResponse({"openapi": "3.1.0", "paths": {}, "servers": [{"url": "/api"}]}), "describes no GET."),
    ],
)
async def test_a_description_that_is_none_is_unknown(shop, answer, said):
    shop.answers["/api/openapi.json"] = answer
    finding = await measure(shop)

    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary


async def test_a_service_that_is_down_fails_and_one_without_a_description_is_unknown(shop):
    down = await measure(shop, url=f"http://{closed_port()}/api")
    assert down.verdict is Verdict.UNKNOWN, "nothing was covered"
    assert down.values["broken"] == 4
    gone = await measure(shop, spec=f"http://{closed_port()}/openapi.json")
    assert gone.verdict is Verdict.UNKNOWN


async def test_a_slow_endpoint_does_not_keep_the_others_waiting(shop):
    slow = shop.any

    async def wait(request):
        if request.url.path == "/api/ping":
            await asyncio.sleep(60)
        return await slow(request)

    with serving(Starlette(routes=[Route("/{path:path}", wait)])) as url:
        finding = await measure(shop, spec=f"{url}/api/openapi.json", timeout_s=2)

    assert finding.verdict is Verdict.FAIL
    assert finding.values["covered"] == 3
    assert "did not answer within 2 s" in finding.summary
