"""What do we say of a certificate and a handshake, in the words of those who scan them?"""

from tests.checks.helpers import run_check


async def measured(one):
    """Our values; where a scanner says whether, and we say how many, so do we here."""
    values = dict((await run_check("tls", hosts=[f"{one.name}:{one.port}"], **one.reach)).values)
    counted = {name: values[name] > 0 for name in ("weak_keys", "weak_hashes")}
    return {**values, **counted, "weak": values["weak_ciphers"] > 0}
