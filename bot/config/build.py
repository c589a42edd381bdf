"""What is the plan that a layer of configuration comes to, and does everything that it names exist?"""

import hashlib
import json
import re
from dataclasses import asdict, replace

from bot.config import checklist, measures, parameters, steps
from bot.config.measures import FACTS, ValidateCheck
from bot.config.site import Path, Site
from bot.plan import Plan, ReleasePlan, RolePlan, ScriptPlan, SignOffPlan, WatchPlan


def plan(site: Site, service: str, environment: str, validate: ValidateCheck | None) -> Plan:
    """What the layer comes to. The order matters: what is used is known once everything that uses it was read."""
    layer = site.layer
    for number, admin in enumerate(layer.admins):
        if not _is_person(admin):
            site.wrong(("admins", number), f'expected an e-mail address or a Slack user id, found "{admin}"')
    made = Plan(
        service=service,
        environment=environment,
        channel=layer.channel,
        announce_to=tuple(layer.announce_to),
        admins=tuple(layer.admins),
        roles=_roles(site),
        release=_release(site),
        sign_off=_sign_off(site),
        sections=checklist.sections(site),
        steps=steps.steps(site),
        verification=checklist.section(site, ("verification",), "verification", layer.verification),
        criteria=checklist.section(site, ("criteria",), "criteria", layer.criteria),
        triggers=steps.triggers(site),
        follow_ups=checklist.follow_ups(site),
        artifacts=checklist.item_list(site, ("artifacts",), layer.artifacts),
        checks=measures.checks(site, validate),
        scripts=_scripts(site),
        watch=_watch(site),
        parameters=parameters.parameters(site),
    )
    measures.from_the_record(site)
    return replace(made, digest=digest(made))


def _roles(site: Site) -> tuple[RolePlan, ...]:
    plans: list[RolePlan] = []
    for key, one in site.layer.roles.items():
        path: Path = ("roles", key)
        site.key(path)
        for field, person in (("contact", one.contact), ("backup", one.backup)):
            if not _is_person(person):
                site.wrong((*path, field), f'expected an e-mail address or a Slack user id, found "{person}"')
        if one.contact == one.backup:
            site.wrong((*path, "backup"), "is the same person as the contact; name somebody else")
        plans.append(RolePlan(key=key, title=one.title, contact=one.contact, backup=one.backup))
    if not plans:
        site.wrong(("roles",), "is empty; somebody has to answer for the deployment")
    return tuple(plans)


def _sign_off(site: Site) -> SignOffPlan:
    one = site.layer.sign_off
    roles = list(site.layer.roles) if one.roles is None else one.roles
    for number, role in enumerate(one.roles or ()):
        site.named(("sign_off", "roles", number), role, site.layer.roles, "role")
    return SignOffPlan(
        roles=tuple(roles),
        remind_after_s=one.remind_after,
        escalate_after_s=one.escalate_after,
        valid_for_s=one.valid_for,
    )


def _release(site: Site) -> ReleasePlan:
    one = site.layer.release
    try:
        re.compile(one.version_pattern)
    except re.error as error:
        site.wrong(("release", "version_pattern"), f"is not a regular expression: {error}")
    if one.seen:
        site.uses_check(("release", "seen"), one.seen)
    if "${version}" not in one.tag:
        site.wrong(("release", "tag"), "has to contain ${version}")
    return ReleasePlan(
        repository=one.repository,
        tag=one.tag,
        compare_url=one.compare_url,
        seen=one.seen,
        version_pattern=one.version_pattern,
        schema_path=one.schema_path,
    )


def _watch(site: Site) -> WatchPlan | None:
    one = site.layer.watch
    if one is None:
        return None
    if not one.url.startswith(("http://", "https://")):
        site.wrong(("watch", "url"), f'expected a URL that begins with http:// or https://, found "{one.url}"')
    for number, address in enumerate(one.addresses):
        if not re.fullmatch(r".+:[0-9]{1,5}", address):
            site.wrong(("watch", "addresses", number), f'expected host:port, found "{address}"')
    return WatchPlan(
        url=one.url,
        addresses=tuple(one.addresses),
        ca_file=one.ca_file,
        rate=one.rate,
        timeout_s=one.timeout,
        live_rate=one.live_rate,
        baseline_s=one.baseline,
    )


def _scripts(site: Site) -> dict[str, ScriptPlan]:
    plans: dict[str, ScriptPlan] = {}
    known = (*FACTS, *(f"parameters.{key}" for key in site.layer.parameters))
    for key, one in site.layer.scripts.items():
        path: Path = ("scripts", key)
        site.key(path)
        site.variables((*path, "run"), known)
        if key not in site.scripts and not one.by_hand:
            continue
        plans[key] = ScriptPlan(
            key=key,
            title=one.title,
            argv=tuple(one.run),
            cwd=one.cwd,
            environment=tuple(dict.fromkeys([*one.environment, *one.secrets])),
            secrets=tuple(one.secrets),
            deadline_s=one.deadline,
            log_limit=one.log_limit,
            warning_codes=tuple(one.warning_codes),
            by_hand=one.by_hand,
        )
    return plans


def _is_person(text: str) -> bool:
    return bool(re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+|[UW][A-Z0-9]{2,}", text))


def digest(plan: Plan) -> str:
    """The same for the same content, whatever file it stood in."""
    content = {key: value for key, value in asdict(plan).items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
