CREATE TABLE carts (
    id TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    order_id TEXT REFERENCES orders (id)
);
CREATE TABLE cart_items (
    cart_id TEXT NOT NULL REFERENCES carts (id),
    sku TEXT NOT NULL REFERENCES products (sku),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (cart_id, sku)
);
