"""What does `{env: NAME}` stand for, and which values may only be written that way?"""

import re
from collections.abc import Mapping

from bot.config.mistakes import Mistakes, offer
from bot.config.tree import Key, Node, dotted

#: Words in the name of a key that make its value a secret: `token`, `db_password`, `X-Api-Key`.
_SECRET_WORDS = {"token", "password", "passphrase", "secret", "authorization", "cookie", "credentials", "dsn", "apikey"}
_PASSWORD_IN_URL = re.compile(r"https?://[^/@\s]+@|://[^/@\s:]*:[^/@\s]+@")
#: Goes on in place of a variable that is not set: long enough for a text, and a number too.
_STAND_IN = "0"
_ALLOWED = ("env", "file", "prefix", "default", "then", "split")


def is_reference(node: Node) -> bool:
    """`{env: NAME}` and `{file: PATH}`, and not a mapping that happens to have an entry of that name."""
    one = node.get("env") or node.get("file")
    return one is not None and not one.is_mapping and not isinstance(one.value, list)


def _is_secret(path: tuple[Key, ...]) -> bool:
    """A parameter of a check whose name says so; an item may well be called `api-key`."""
    if path[0] != "checks" or "with" not in path[2:3] or isinstance(path[-1], int):
        return False
    words = re.split(r"[-_ ]", path[-1].lower())
    return bool(_SECRET_WORDS.intersection(words)) or words[-1] == "key"


def resolve(node: Node, environ: Mapping[str, str], mistakes: Mistakes) -> Node:
    """Put the environment's values in place of references; leave references to secrets as they are.

    A plan is stored with its deployment, so a secret must not be in it: the check that needs it reads it when it runs.
    """
    return _resolve(node, (), environ, mistakes, secret=False)


def _resolve(
    node: Node, path: tuple[Key, ...], environ: Mapping[str, str], mistakes: Mistakes, *, secret: bool
) -> Node:
    if is_reference(node):
        return _reference(node, path, environ, mistakes, secret=secret)
    if node.is_mapping:
        below = {
            key: _resolve(one, (*path, key), environ, mistakes, secret=secret or _is_secret((*path, key)))
            for key, one in node.entries.items()
        }
        return Node(place=node.place, value=below, keys=node.keys)
    if isinstance(node.value, list):
        elements = [
            _resolve(one, (*path, number), environ, mistakes, secret=secret) for number, one in enumerate(node.elements)
        ]
        # A reference with `split` is itself a list; in a list its values stand among the others.
        flat = [
            inner
            for before, one in zip(node.elements, elements, strict=True)
            for inner in (one.elements if is_reference(before) and isinstance(one.value, list) else [one])
        ]
        return Node(place=node.place, value=flat)
    if secret and isinstance(node.value, str):
        mistakes.add(node.place, dotted(path), "is a secret; write {env: NAME} or {file: PATH} in place of its value")
    return _without_password(node, path, mistakes)


def _without_password(node: Node, path: tuple[Key, ...], mistakes: Mistakes) -> Node:
    if isinstance(node.value, str) and _PASSWORD_IN_URL.search(node.value):
        sentence = "holds a password in a URL; give it to the check or the script as a secret of its own"
        mistakes.add(node.place, dotted(path), sentence)
    return node


def _reference(
    node: Node, path: tuple[Key, ...], environ: Mapping[str, str], mistakes: Mistakes, *, secret: bool
) -> Node:
    for key in node.entries:
        if key not in _ALLOWED:
            mistakes.add(node.keys[key], dotted((*path, key)), f"not known in a reference; {offer(key, _ALLOWED)}")
    if secret or "prefix" in node.entries:
        for key in ("default", "then", "split"):
            if key in node.entries:
                mistakes.add(node.keys[key], dotted((*path, key)), "not for secrets: only {env: NAME} or {file: PATH}")
        return node
    if "env" not in node.entries:
        mistakes.add(node.place, dotted(path), "{file: …} is for secrets only; write the value, or {env: NAME}")
        return Node(place=node.place, value="")
    return _from_environment(node, path, environ, mistakes)


def _from_environment(node: Node, path: tuple[Key, ...], environ: Mapping[str, str], mistakes: Mistakes) -> Node:
    name = node.entries["env"]
    default, split = node.get("default"), node.get("split")
    value = environ.get(str(name.value), "")
    if not value and default is not None:
        return _resolve(default, path, environ, mistakes, secret=False)
    if not value:
        mistakes.add_unset(name.place, dotted(path), str(name.value))
        value = _STAND_IN
    suffix = _suffix(node.get("then"), path, environ, mistakes)
    if split is not None and not (isinstance(split.value, str) and split.value):
        mistakes.add(split.place, dotted((*path, "split")), 'expected the text between the parts, such as ","')
    elif split is not None:
        parts = [one.strip() for one in value.split(str(split.value)) if one.strip()]
        nodes = [_without_password(Node(place=node.place, value=part + suffix), path, mistakes) for part in parts]
        return Node(place=node.place, value=nodes)
    return _without_password(Node(place=node.place, value=value + suffix), path, mistakes)


def _suffix(then: Node | None, path: tuple[Key, ...], environ: Mapping[str, str], mistakes: Mistakes) -> str:
    """What follows the value: a text, another reference, or several of them."""
    if then is None:
        return ""
    known = _resolve(then, (*path, "then"), environ, mistakes, secret=False)
    if known.is_mapping or any(isinstance(one.value, dict | list) for one in known.elements):
        mistakes.add(then.place, dotted((*path, "then")), "expected a text, a reference, or a list of them")
        return ""
    return "".join(str(one.value) for one in known.elements or [known])
