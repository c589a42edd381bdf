"""Which mistakes can a page make with its headers and its answer? The certificate is right in each case."""

from tests.referees.serving import Member

SAFE = {
    "Strict-Transport-Security": "max-age=63072000",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
#: Where nothing is wrong with the headers, or not enough to warn.
FINE = {
    "every header",
    "headers on a 404",
    "redirects",
    "redirects in a circle",
    "says degraded",
    "framed by nobody, by the policy",
    "inline scripts beside a nonce",
    # It costs points, and leaves enough of them.
    "the site is named without TLS",
}


def _sent(headers, *, always=True):
    return "".join(f'add_header {name} "{value}"{" always" if always else ""};\n' for name, value in headers.items())


def _with(**more):
    return _sent(SAFE | {name.replace("_", "-"): value for name, value in more.items()})


def _only(**some):
    return _sent({name.replace("_", "-"): value for name, value in some.items()})


def _without(*names):
    return _sent({name: value for name, value in SAFE.items() if name not in names})


def pages(_name, _root):
    here = 'location / { default_type text/html; return 200 "<h1>shop</h1>"; }\n'
    nothing = 'location / { default_type text/html; return 404 "<h1>no</h1>"; }\n'
    safe = _with()
    lines = {
        "every header": safe + here,
        "no header at all": here,
        "no HSTS": _without("Strict-Transport-Security") + here,
        "HSTS of five minutes": _with(Strict_Transport_Security="max-age=300") + here,
        "no CSP": _without("Content-Security-Policy") + here,
        "no nosniff": _without("X-Content-Type-Options") + here,
        "no Referrer-Policy": _without("Referrer-Policy") + here,
        "may be framed": _without("X-Frame-Options") + here,
        "two X-Frame-Options that differ": safe + 'add_header X-Frame-Options "SAMEORIGIN" always;\n' + here,
        # One add_header in a location takes away all of those around it.
        "headers lost in a location": safe
        + 'location / { default_type text/html; add_header X-Shop 1; return 200 "<h1>shop</h1>"; }',
        "headers lost on a 404": _sent(SAFE, always=False) + nothing,
        "headers on a 404": safe + nothing,
        "answers 500": safe + "location / { return 500; }",
        "answers 503": safe + "location / { return 503; }",
        "redirects": safe + 'location / { return 302 /login; }\nlocation /login { return 200 "log in"; }',
        "redirects in a circle": safe + "location / { return 302 /; }",
        "says degraded": safe + 'location / { return 200 "degraded"; }',
        "HSTS without a time": _with(Strict_Transport_Security="includeSubDomains") + here,
        "nosniff is misspelt": _with(X_Content_Type_Options="no-sniff") + here,
        "framed by those of an old word": _with(X_Frame_Options="ALLOWALL") + here,
        "framed by nobody, by the policy": _without("X-Frame-Options", "Content-Security-Policy")
        + _only(Content_Security_Policy="default-src 'self'; base-uri 'none'; frame-ancestors 'none'")
        + here,
        "referrers go to everybody": _with(Referrer_Policy="unsafe-url") + here,
        "referrers go to whoever has TLS": _with(Referrer_Policy="no-referrer-when-downgrade") + here,
        "the site is named without TLS": _with(Referrer_Policy="origin-when-cross-origin") + here,
        "a referrer policy of no browser": _with(Referrer_Policy="never-ever") + here,
        "inline scripts": _with(Content_Security_Policy="default-src 'self' 'unsafe-inline'; base-uri 'none'") + here,
        "inline scripts beside a nonce": _with(
            Content_Security_Policy="default-src 'self'; script-src 'nonce-4AEemGb0xJptoIGFP3Nd' 'unsafe-inline'; base-uri 'none'"
        )
        + here,
        "scripts from anywhere": _with(Content_Security_Policy="default-src *; base-uri 'none'") + here,
        "a policy that only reports": _without("Content-Security-Policy")
        + _only(Content_Security_Policy_Report_Only="default-src 'self'")
        + here,
        "hangs up": safe + "location / { return 444; }",
    }
    return {case: (Member(lines=one),) for case, one in lines.items()}
