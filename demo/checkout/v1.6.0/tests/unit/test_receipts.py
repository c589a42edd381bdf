from checkout import receipts


def test_a_receipt_has_each_line_and_the_total():
    order = {
        "id": "o1",
        "placed_at": "2026-11-22T10:00:00",
        "currency": "CHF",
        "total": 37.5,
        "lines": [{"sku": "paint", "quantity": 2, "price": 19.95}],
    }
    printed = receipts.receipt(order)
    assert "2 x paint" in printed
    assert printed.splitlines()[-1].split() == ["total", "CHF", "37.50"]
