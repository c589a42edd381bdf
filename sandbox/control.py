"""Which addresses does the control API have?"""

from starlette.routing import Route

from sandbox import moving
from sandbox.acting import ACTS
from sandbox.asked import acting, guarded
from sandbox.box import Sandbox
from sandbox.looking import LOOKS


def routes(box: Sandbox) -> list[Route]:
    return [
        *(Route(f"/control/{name}", acting(box, act), methods=["POST"]) for name, act in ACTS.items()),
        *(Route(f"/control/{name}", guarded(box, look)) for name, look in LOOKS.items()),
        *(Route(f"/control/{name}", guarded(box, change), methods=["POST"]) for name, change in moving.CHANGES.items()),
        Route("/control/faults", guarded(box, moving.faults), methods=["GET", "POST"]),
        Route("/clock", guarded(box, moving.clock), methods=["GET", "POST"]),
        Route("/clock/due/{who}", guarded(box, moving.due), methods=["PUT"]),
    ]
