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
    check = "" if item.check == "none" else item.check
    if check:
        site.uses_check((*path, "check"), check, signed=True)
    signoff = check if site.is_signoff(check) else ""
    return ItemPlan(
        key=key,
        title=item.title,
        role=item.owner or owner,
        check=None if signoff else check or None,
        # As long as nothing measures it, a person's word is all there is: it is ticked.
        confirm=item.confirm and bool(check) and not signoff,
        evidence=item.evidence or bool(signoff),
        signoff=signoff,
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
