import pytest

from checkout import carts, database, orders
from checkout.problem import Problem


def bought(db, quantity=2):
    cart = carts.create(db)
    carts.put(db, cart["id"], "paint", quantity)
    return cart["id"]


def test_a_cart_becomes_an_order(path):
    with database.writing(path) as db:
        order = orders.place(db, bought(db), {"email": "road@acme.test"})
    with database.reading(path) as db:
        assert orders.show(db, order["id"])["total"] == 39.90


def test_a_cart_is_ordered_once(path):
    with database.writing(path) as db:
        cart = bought(db)
        orders.place(db, cart, {"email": "road@acme.test"})
        with pytest.raises(Problem, match="already"):
            orders.place(db, cart, {"email": "road@acme.test"})


def test_an_empty_cart_cannot_be_ordered(path):
    with database.writing(path) as db, pytest.raises(Problem, match="empty"):
        orders.place(db, carts.create(db)["id"], {"email": "road@acme.test"})


def test_a_failed_order_leaves_nothing_behind(path):
    with pytest.raises(RuntimeError), database.writing(path) as db:
        orders.place(db, bought(db), {"email": "road@acme.test"})
        raise RuntimeError
    with database.reading(path) as db:
        assert db.execute("SELECT count(*) FROM orders").fetchone()[0] == 0


def test_smoke_tests_do_not_count_as_business(path):
    with database.writing(path) as db:
        orders.place(db, bought(db), {"email": "smoke@acme.test"})
        orders.place(db, bought(db, 1), {"email": "road@acme.test"})
        assert orders.figures(db) == {"orders_24h": 1, "revenue_24h": 19.95}
