"""Are there enough cases, and does docs/comparison.md tell how many?"""

import re

from tests.checks.tls_servers import authority
from tests.referees import edges
from tests.referees.certificates import below, certificates
from tests.referees.comparing import COMPARISON
from tests.referees.names import NAMES
from tests.referees.pages import pages
from tests.referees.serving import names_of

KINDS = {
    "certificates and handshakes": names_of(certificates(below(authority()), "", [])),
    "pages": names_of(pages),
    "names": list(NAMES),
    "CORS": names_of(edges.cors),
    "limits": names_of(edges.limits),
    "caches": names_of(edges.caches),
    "members": names_of(edges.members),
    "health": names_of(edges.health),
}


def test_there_are_more_than_sixty_cases_of_eight_kinds():
    assert len({(kind, case) for kind, cases in KINDS.items() for case in cases}) >= 60


def test_the_document_says_how_many_of_each_kind():
    rows = re.findall(r"^\| ([\w ]+) \| (\d+) \|", COMPARISON.read_text(encoding="utf-8"), re.MULTILINE)
    assert {kind: int(count) for kind, count in rows} == {kind: len(cases) for kind, cases in KINDS.items()}
