import re

import checkout


def test_somebody_buys_two_things(browser):
    _, answer = browser.call("GET", "/api/products")
    first, second = (product["sku"] for product in answer["products"][:2])
    _, cart = browser.call("POST", "/api/carts")
    browser.call("PUT", f"/api/carts/{cart['id']}/items/{first}", {"quantity": 1})
    browser.call("PUT", f"/api/carts/{cart['id']}/items/{second}", {"quantity": 3})
    status, order = browser.call("POST", f"/api/carts/{cart['id']}/checkout", {"email": "road@acme.test"})
    assert status == 201
    assert browser.call("GET", f"/api/orders/{order['id']}") == (200, order)
    assert len(order["lines"]) == 2


def test_the_page_and_its_files_load(browser):
    status, _, body = browser.raw("GET", "/")
    assert status == 200
    for path in re.findall(r'(?:href|src)="(/assets/[^"]+)"', body.decode()):
        status, headers, _ = browser.raw("GET", path)
        assert (status, "immutable" in headers["Cache-Control"]) == (200, True)


def test_the_version_is_told(browser):
    assert browser.call("GET", "/version")[1]["version"] == checkout.VERSION


def test_mistakes_get_a_sentence(browser):
    assert browser.call("GET", "/nothing")[0] == 404
    assert browser.call("DELETE", "/api/products")[0] == 405
    assert browser.call("POST", "/api/carts/nope/checkout", {"email": "a@b"})[0] == 404


def test_the_admin_side_wants_its_token(browser, environ):
    assert browser.call("GET", "/admin/environment")[0] == 401
    status, shown = browser.call("GET", "/admin/environment", headers={"Authorization": f"Bearer {environ['ADMIN_TOKEN']}"})
    assert status == 200
    assert "ADMIN_TOKEN" in shown["names"]
