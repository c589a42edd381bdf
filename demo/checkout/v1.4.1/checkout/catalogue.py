"""What is for sale?"""

import sqlite3
from typing import Any


def products(db: sqlite3.Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute("SELECT sku, name, price FROM products ORDER BY name")]
