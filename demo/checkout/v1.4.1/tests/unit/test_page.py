import base64
import hashlib

from checkout import page


def test_the_page_names_its_files_with_their_integrity():
    for asset in page.ASSETS.values():
        assert f'"{asset.path}" integrity="{asset.integrity}"' in page.html()


def test_the_integrity_is_that_of_the_file():
    for asset in page.ASSETS.values():
        assert asset.integrity == "sha384-" + base64.b64encode(hashlib.sha384(asset.body).digest()).decode()
