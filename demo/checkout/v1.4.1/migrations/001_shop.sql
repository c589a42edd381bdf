CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    price REAL NOT NULL
);
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    placed_at TEXT NOT NULL,
    email TEXT NOT NULL,
    total REAL NOT NULL
);
CREATE INDEX orders_placed_at ON orders (placed_at);
CREATE TABLE order_lines (
    order_id TEXT NOT NULL REFERENCES orders (id),
    sku TEXT NOT NULL REFERENCES products (sku),
    quantity INTEGER NOT NULL,
    price REAL NOT NULL,
    PRIMARY KEY (order_id, sku)
);
INSERT INTO products (sku, name, price) VALUES
    ('anvil', 'Anvil, 50 kg', 189.00),
    ('magnet', 'Giant magnet', 74.50),
    ('paint', 'Tunnel paint, 1 l', 19.95),
    ('rope', 'Rope, 30 m', 24.90),
    ('rocket', 'Rocket skates, pair', 349.00),
    ('seed', 'Bird seed, 2 kg', 7.80),
    ('spring', 'Spring shoes, pair', 59.00),
    ('umbrella', 'Very small umbrella', 12.40);
