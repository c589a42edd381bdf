from checkout import catalogue, database


def test_capital_letters_do_not_matter_for_the_order(path):
    with database.writing(path) as db:
        db.execute("INSERT INTO products (sku, name, price) VALUES ('bolts', 'bolts, 100', 4.20)")
    with database.reading(path) as db:
        names = [product["name"] for product in catalogue.products(db)]
    assert names == sorted(names, key=str.lower)
