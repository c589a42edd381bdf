CREATE TABLE rates (
    currency TEXT PRIMARY KEY,
    per_euro REAL NOT NULL
);
INSERT INTO rates (currency, per_euro) VALUES ('EUR', 1), ('USD', 1.08), ('CHF', 0.94);
ALTER TABLE orders ADD COLUMN currency TEXT NOT NULL DEFAULT 'EUR';
ALTER TABLE orders ADD COLUMN total_cents INTEGER;
UPDATE orders SET total_cents = CAST(round(total * 100) AS INTEGER);
-- Members of the older release run on while this one is deployed, and know nothing of the new column.
CREATE TRIGGER orders_in_cents AFTER INSERT ON orders WHEN NEW.total_cents IS NULL
BEGIN
    UPDATE orders SET total_cents = CAST(round(NEW.total * 100) AS INTEGER) WHERE id = NEW.id;
END;
