"""A small configuration that is right, for tests to break or to build on, and the environment that the real one needs."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

APP = """\
include: services/*.yaml
defaults:
  roles:
    lead: {title: Lead, contact: ana@acme.example, backup: ben@acme.example}
    owner: {title: Owner, contact: grace@acme.example, backup: hugo@acme.example}
  sections:
    before:
      title: Before
      owner: lead
      items:
        certificates: {title: Certificates, check: tls, why: They expire., fix: Renew them.}
        plan: {title: A plan, evidence: true}
  steps:
    deploying:
      deploy: {title: Deploy, script: deploy}
  verification: {title: Verification, owner: lead, items: {}}
  criteria: {title: Criteria, owner: owner, items: {}}
  checks:
    tls:
      uses: tls
      with: {hosts: [a.example]}
      pass: ["days_left >= 21", "verified == true"]
  scripts:
    deploy: {title: Deploy script, run: [./deploy.sh]}
"""

SERVICE = """\
service: shop
channel: shop
environments:
  production: {}
"""


def write(folder: Path, *, app: str = APP, **services: str) -> Path:
    """Put the files in place; give the path of app.yaml."""
    (folder / "services").mkdir(exist_ok=True)
    path = folder / "app.yaml"
    path.write_text(app, encoding="utf-8")
    for name, text in (services or {"shop": SERVICE}).items():
        (folder / "services" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return path


def replaced(text: str, old: str, new: str) -> str:
    """A test that changes nothing would pass for the wrong reason."""
    assert old in text, f"{old!r} does not occur"
    return text.replace(old, new, 1)


def demo_environment() -> dict[str, str]:
    """Something for every variable that the service files of the project name."""
    names: set[str] = set()
    for path in (ROOT / "app.yaml", *(ROOT / "services").glob("*.yaml")):
        for line in path.read_text(encoding="utf-8").splitlines():
            names.update(re.findall(r"env: ([A-Z_]+)", line.split("# ")[0]))
    return {name: _value(name) for name in names}


def _value(name: str) -> str:
    if name.endswith("_URL"):
        return "https://checkout.acme.test:8443"
    if name.endswith("_PORT"):
        return "8443"
    if name.endswith("_ADDRESS"):
        return "127.0.0.10"
    if name.endswith("_ORIGIN"):
        return "https://shop.acme.test"
    return "checkout.acme.test" if name.endswith("HOSTNAME") else "/somewhere"
