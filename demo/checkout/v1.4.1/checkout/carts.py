"""What does somebody want to buy?"""

import secrets
import sqlite3
from datetime import UTC, datetime
from typing import Any

from . import money
from .problem import Problem

MOST = 100


def create(db: sqlite3.Connection) -> dict[str, Any]:
    cart_id = secrets.token_hex(8)
    db.execute("INSERT INTO carts (id, created_at) VALUES (?, ?)", (cart_id, datetime.now(UTC).isoformat()))
    return show(db, cart_id)


def show(db: sqlite3.Connection, cart_id: str) -> dict[str, Any]:
    cart = db.execute("SELECT id, order_id FROM carts WHERE id = ?", (cart_id,)).fetchone()
    if cart is None:
        raise Problem(404, "There is no such cart; make one with POST /api/carts.")
    items = [
        dict(row)
        for row in db.execute(
            "SELECT sku, name, price, quantity FROM cart_items JOIN products USING (sku) WHERE cart_id = ? ORDER BY sku", (cart_id,)
        )
    ]
    return {
        "id": cart["id"],
        "order": cart["order_id"],
        "items": items,
        "total": money.total((item["price"], item["quantity"]) for item in items),
    }


def put(db: sqlite3.Connection, cart_id: str, sku: str, quantity: object) -> dict[str, Any]:
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= MOST:
        raise Problem(422, f"The quantity is a whole number from 0 to {MOST}.")
    if show(db, cart_id)["order"]:
        raise Problem(409, "This cart has been ordered already; make a new one.")
    if db.execute("SELECT 1 FROM products WHERE sku = ?", (sku,)).fetchone() is None:
        raise Problem(404, "There is no such product; GET /api/products lists them.")
    db.execute("DELETE FROM cart_items WHERE cart_id = ? AND sku = ?", (cart_id, sku))
    if quantity:
        db.execute("INSERT INTO cart_items (cart_id, sku, quantity) VALUES (?, ?, ?)", (cart_id, sku, quantity))
    return show(db, cart_id)
