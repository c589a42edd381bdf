"""What has been bought?"""

import secrets
import sqlite3
from datetime import UTC, datetime
from typing import Any

from . import carts, money
from .problem import Problem


def place(db: sqlite3.Connection, cart_id: str, wish: dict[str, Any]) -> dict[str, Any]:
    """Turn a cart into an order, once."""
    email, currency = wish.get("email"), wish.get("currency", "EUR")
    if not isinstance(email, str) or "@" not in email:
        raise Problem(422, "An order needs an e-mail address.")
    rate = db.execute("SELECT per_euro FROM rates WHERE currency = ?", (str(currency),)).fetchone()
    if rate is None:
        raise Problem(422, "The currency is EUR, USD or CHF.")
    cart = carts.show(db, cart_id)
    if cart["order"]:
        raise Problem(409, f"This cart is order {cart['order']} already.")
    if not cart["items"]:
        raise Problem(422, "The cart is empty; put something in it first.")
    order_id = secrets.token_hex(6)
    total = money.total([(cart["total"] * rate["per_euro"], 1)])
    db.execute(
        "INSERT INTO orders (id, placed_at, email, total, currency, total_cents) VALUES (?, ?, ?, ?, ?, ?)",
        (order_id, datetime.now(UTC).isoformat(), email, total, currency, round(total * 100)),
    )
    db.executemany(
        "INSERT INTO order_lines (order_id, sku, quantity, price) VALUES (?, ?, ?, ?)",
        [(order_id, item["sku"], item["quantity"], item["price"]) for item in cart["items"]],
    )
    db.execute("UPDATE carts SET order_id = ? WHERE id = ?", (order_id, cart_id))
    return show(db, order_id)


def show(db: sqlite3.Connection, order_id: str) -> dict[str, Any]:
    order = db.execute("SELECT id, placed_at, email, total_cents, currency FROM orders WHERE id = ?", (order_id,)).fetchone()
    if order is None:
        raise Problem(404, "There is no such order.")
    lines = db.execute("SELECT sku, quantity, price FROM order_lines WHERE order_id = ? ORDER BY sku", (order_id,))
    return {**dict(order), "total": order["total_cents"] / 100, "lines": [dict(line) for line in lines]}


def figures(db: sqlite3.Connection) -> dict[str, Any]:
    """Orders and revenue in euro of the last 24 hours, without those that smoke tests placed."""
    row = db.execute(
        "SELECT count(*) AS orders, round(coalesce(sum(total_cents / 100.0 / per_euro), 0), 2) AS revenue"
        " FROM orders JOIN rates USING (currency)"
        " WHERE placed_at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-1 day') AND email NOT LIKE 'smoke@%'"
    ).fetchone()
    return {"orders_24h": row["orders"], "revenue_24h": row["revenue"]}
