import pytest

from checkout import carts, database, orders
from checkout.problem import Problem


def cart_with_an_anvil(db):
    cart = carts.create(db)
    carts.put(db, cart["id"], "anvil", 1)
    return cart["id"]


@pytest.mark.parametrize(("currency", "total"), [("EUR", 189.0), ("USD", 204.12), ("CHF", 177.66)])
def test_an_order_is_paid_in_the_currency_asked_for(path, currency, total):
    with database.writing(path) as db:
        order = orders.place(db, cart_with_an_anvil(db), {"email": "road@acme.test", "currency": currency})
    assert (order["total"], order["currency"]) == (total, currency)


def test_an_unknown_currency_is_refused(path):
    with database.writing(path) as db, pytest.raises(Problem, match="EUR, USD or CHF"):
        orders.place(db, cart_with_an_anvil(db), {"email": "road@acme.test", "currency": "ACM"})


def test_an_order_written_by_the_older_release_gets_its_cents(path):
    with database.writing(path) as db:
        db.execute("INSERT INTO orders (id, placed_at, email, total) VALUES ('old', '2026-11-01T10:00:00', 'a@acme.test', 24.9)")
        assert orders.show(db, "old")["total_cents"] == 2490
