from checkout import SCHEMA, database


def test_migrating_twice_does_nothing_the_second_time(path):
    assert database.schema(path) == SCHEMA
    assert "nothing to do" in database.migrate(path)


def test_the_service_is_well_on_its_own_schema(browser):
    status, health = browser.call("GET", "/healthz")
    assert (status, health["status"], health["schema"]) == (200, "ok", SCHEMA)
