from checkout import database


def test_a_handle_is_used_again(path):
    with database.reading(path) as first:
        pass
    with database.reading(path) as second:
        assert second is first


def test_two_at_once_get_two_handles(path):
    with database.reading(path) as first, database.reading(path) as second:
        assert second is not first


def test_each_database_has_handles_of_its_own(path, tmp_path):
    other = str(tmp_path / "other.sqlite3")
    database.migrate(other)
    with database.reading(path) as db, database.reading(other) as second:
        assert second is not db
