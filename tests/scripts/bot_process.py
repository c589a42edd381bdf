"""A bot reduced to its scripts, as a process that can be killed: `python bot_process.py SPEC.json`, crash points from the environment."""

import asyncio
import json
import os
import sys
from pathlib import Path

from bot.model import RunReport, RunSpec
from bot.scripts import Scripts
from bot.scripts.supervisor import CRASH


async def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text())
    over = asyncio.Event()

    async def report(report: RunReport) -> None:
        print(json.dumps({"state": report.state, "exit_code": report.exit_code, "tail": report.tail}), flush=True)
        if report.over:
            over.set()

    # It is this process that dies, not its supervisors.
    environ = {name: value for name, value in os.environ.items() if name != CRASH}
    scripts = Scripts(Path(order["home"]), "here", report, environ=environ, poll_s=0.02)
    spec = RunSpec(**{**order["spec"], "argv": tuple(order["spec"]["argv"])})
    await scripts.look([spec], cancelled=order["cancelled"])
    await over.wait()


asyncio.run(main())
