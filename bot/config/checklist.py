"""Which items, in which order, are people and checks asked for?"""

from collections.abc import Mapping

from bot.config import shape
from bot.config.site import Path, Site
from bot.config.tree import dotted
from bot.plan import FollowUpPlan, ItemPlan, SectionPlan


def _item(site: Site, path: Path, key: str, item: shape.Item, owner: str) -> ItemPlan:
    if key in site.items:
        site.wrong(path, f"the key {key} is taken by {dotted(site.items[key])}; every item has a key of its own")
    site.items[key] = path
    site.named((*path, "owner"), item.owner, site.layer.roles, "role")
    names = [name for name in item.check if name not in {"", "none"}]
    for number, name in enumerate(names):
        site.uses_check((*path, "check", number) if len(names) > 1 else (*path, "check"), name, signed=True)
    signed = [name for name in names if site.is_signoff(name)]
    checks = tuple(name for name in names if name not in signed)
    if len(signed) > 1:
        site.wrong((*path, "check"), f"{' and '.join(signed)} are both signed by a person, who ticks once; keep one")
    return ItemPlan(
        key=key,
        title=item.title,
        role=item.owner or owner,
        checks=checks,
        # As long as nothing measures it, a person's word is all there is: it is ticked.
        confirm=bool(checks) and (item.confirm or bool(signed)),
        evidence=item.evidence or bool(signed),
        signoff=signed[0] if signed else "",
        why=item.why,
        fix=item.fix,
    )


def item_list(site: Site, path: Path, items: Mapping[str, shape.Item], owner: str = "") -> tuple[ItemPlan, ...]:
    kept = site.entries(path, items)
    return tuple(_item(site, (*path, key), key, item, owner) for key, item in kept.items())


def section(site: Site, path: Path, key: str, section: shape.Section) -> SectionPlan:
    site.named((*path, "owner"), section.owner, site.layer.roles, "role")
    kept = site.kept(path, section)
    items = item_list(site, (*path, "items"), section.items, section.owner) if kept else ()
    return SectionPlan(key=key, title=section.title, role=section.owner, items=items)


def sections(site: Site) -> tuple[SectionPlan, ...]:
    for key in site.layer.sections:
        site.key(("sections", key))
    made = [section(site, ("sections", key), key, one) for key, one in site.layer.sections.items()]
    return tuple(one for one in made if one.items)


def follow_ups(site: Site) -> tuple[FollowUpPlan, ...]:
    made = [_follow_up(site, ("follow_ups", key), key, one) for key, one in site.layer.follow_ups.items()]
    return tuple(sorted((one for one in made if one.tasks), key=lambda one: one.after_s))


def _follow_up(site: Site, path: Path, key: str, one: shape.FollowUp) -> FollowUpPlan:
    site.key(path)
    return FollowUpPlan(
        key=key,
        title=one.title,
        after_s=one.after,
        tasks=item_list(site, (*path, "tasks"), one.tasks) if site.kept(path, one) else (),
        remind_after_s=one.remind_after,
        escalate_after_s=one.escalate_after,
    )
