"""What does the customer get on paper?"""

from typing import Any

WIDTH = 40


def receipt(order: dict[str, Any]) -> str:
    lines = [f"Acme, order {order['id']}".center(WIDTH), order["placed_at"][:10].center(WIDTH), "-" * WIDTH]
    lines += [f"{line['quantity']:>3} x {line['sku']:<20}{line['price']:>14.2f}" for line in order["lines"]]
    lines += ["-" * WIDTH, f"{'total ' + order['currency']:<26}{order['total']:>14.2f}"]
    return "\n".join(lines)
