"""What is served at the edge: policies of CORS, limits, caches, members behind a name, and answers that are not well."""

from tests.referees.serving import Member

SHOP = "https://shop.acme.test"
#: Where nothing is wrong: these pass, and nothing else does.
FINE = {
    "a list, compared exactly",
    "a list, with cookies",
    "lets in again after a second",
    "kept for a year",
    "a basket that is passed on",
    "three that are well",
    "is well",
}
#: What a member that is well says.
OK = '"status": "ok"'
_ANSWER = 'default_type application/json; return 200 "{}";'


def alone(lines, **how):
    return (Member(lines=lines, **how),)


# ── CORS ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _told(origin, *more):
    """Say who may read, to those for whom `origin` is not empty: nginx leaves out a header without a value."""
    return "\n".join((f"add_header Access-Control-Allow-Origin {origin} always;", *more))


_VARY = "add_header Vary Origin always;"
_COOKIES = "add_header Access-Control-Allow-Credentials true always;"
_METHODS = 'add_header Access-Control-Allow-Methods "GET, PUT" always;'
_HERE = f"location / {{ {_ANSWER} }}"

#: Who is answered, by patterns that people really write.
CORS_MAPS = f"""
map $http_origin $exact    {{ "{SHOP}" $http_origin; default ""; }}
map $http_origin $begins   {{ "~^{SHOP}" $http_origin; default ""; }}
map $http_origin $ends     {{ "~shop.acme.test$" $http_origin; default ""; }}
map $http_origin $anydot   {{ "~^https://shop.acme.test$" $http_origin; default ""; }}
map $http_origin $anyhttp  {{ "~^https?://shop\\.acme\\.test$" $http_origin; default ""; }}
map $http_origin $below    {{ "~^https://([a-z]+\\.)?shop\\.acme\\.test$" $http_origin; default ""; }}
map $http_origin $nobody   {{ "{SHOP}" $http_origin; "null" $http_origin; default ""; }}
"""


def cors(_name, _root):
    return {
        "a list, compared exactly": alone(_told("$exact", _VARY, _METHODS) + _HERE),
        "a list, with cookies": alone(_told("$exact", _VARY, _METHODS, _COOKIES) + _HERE),
        "a list, without Vary": alone(_told("$exact", _METHODS) + _HERE),
        "reflects everybody": alone(_told("$http_origin", _VARY, _METHODS) + _HERE),
        "reflects everybody, with cookies": alone(_told("$http_origin", _VARY, _METHODS, _COOKIES) + _HERE),
        "the null origin": alone(_told("$nobody", _VARY, _METHODS) + _HERE),
        "compares the beginning": alone(_told("$begins", _VARY, _METHODS) + _HERE),
        "compares the end": alone(_told("$ends", _VARY, _METHODS) + _HERE),
        "a dot that is any letter": alone(_told("$anydot", _VARY, _METHODS) + _HERE),
        "lets plain HTTP in": alone(_told("$anyhttp", _VARY, _METHODS) + _HERE),
        "lets every name below in": alone(_told("$below", _VARY, _METHODS) + _HERE),
        "everybody, by a star": alone(_told('"*"', _METHODS) + _HERE),
        "a star, with cookies": alone(_told('"*"', _METHODS, _COOKIES) + _HERE),
        "nobody at all": alone(_HERE),
        "two origins in one header": alone(_told(f'"{SHOP}, https://other.acme.test"', _VARY, _METHODS) + _HERE),
        "the preflight is refused": alone(
            _told("$exact", _VARY, _METHODS)
            + f"location / {{ if ($request_method = OPTIONS) {{ return 405; }} {_ANSWER} }}"
        ),
        "the preflight does not allow PUT": alone(
            _told("$exact", _VARY, 'add_header Access-Control-Allow-Methods "GET, POST" always;') + _HERE
        ),
    }


# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LIMIT_ZONES = "\n".join(
    f"limit_req_zone $binary_remote_addr zone={zone}:1m rate={rate};"
    for zone, rate in (("plain", "1r/m"), ("polite", "1r/m"), ("silent", "1r/m"), ("dry", "1r/m"), ("quick", "1r/s"))
)
_LATER = "error_page 429 = @later;\nlocation @later { internal; add_header Retry-After 1 always; return 429; }\n"


#: Cases in which somebody is let in again while a test can wait for it.
QUICK = ("lets in again after a second",)


def limits(_name, _root):
    def zone(name, status, more=""):
        # `return` answers before a limit is looked at, `try_files` after it.
        return (
            f"location / {{ limit_req zone={name} burst=5 nodelay; limit_req_status {status}; {more}"
            f"try_files /none @answer; }}\nlocation @answer {{ {_ANSWER} }}"
        )

    return {
        "says when, and does not keep to it": alone(_LATER + zone("polite", 429)),
        "refuses with 429 and says nothing": alone(zone("silent", 429)),
        "refuses with 503, as nginx does by itself": alone(zone("plain", 503)),
        "only counts: a dry run": alone(zone("dry", 429, "limit_req_dry_run on;")),
        "lets in again after a second": alone(_LATER + zone("quick", 429)),
        "no limit": alone(_HERE),
        "answers 503 to everybody": alone("location / { return 503; }"),
    }


# ── Caches ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#: The origin behind the edge writes down what it is asked; the edge keeps as it is told in each case.
CACHES = """
log_format asked '$http_host $request_uri';
proxy_cache_path FOLDER/cache keys_zone=edge:1m inactive=1h;
server {
    listen unix:FOLDER/origin.sock;
    access_log FOLDER/origin.log asked;
    location /long { add_header Cache-Control "public, max-age=31536000, immutable"; return 200 "body"; }
    location /short { add_header Cache-Control "public, max-age=60"; return 200 "body"; }
    location /never { add_header Cache-Control "no-store"; return 200 "body"; }
    location /cookie { add_header Cache-Control "public, max-age=31536000"; add_header Set-Cookie "session=1"; return 200 "body"; }
    location /basket { add_header Cache-Control "private, no-store"; return 200 "basket"; }
    location /gone { return 404; }
}
"""
_EDGE = """
proxy_cache edge;
proxy_cache_valid 200 1h;
proxy_cache_key $host$request_uri;
proxy_set_header Host $host;
proxy_pass http://unix:FOLDER/origin.sock;
add_header X-Cache-Status $upstream_cache_status always;
"""
#: What is asked for in each case, and what kind of thing it is.
CACHED = {
    "kept for a year": ("assets", "/long/app.3f9c.js"),
    "kept for a minute": ("assets", "/short/app.js"),
    "never kept": ("assets", "/never/app.js"),
    "the edge passes everything on": ("assets", "/long/app.3f9c.js"),
    "kept with a cookie": ("assets", "/cookie/app.js"),
    "a file that is gone": ("assets", "/gone.js"),
    "a basket that is passed on": ("private", "/basket"),
    "a basket that is kept": ("private", "/basket"),
    "says nothing of how it went": ("assets", "/long/app.3f9c.js"),
}


def caches(_name, _root):
    usual = f"location / {{ {_EDGE} }}"
    careless = f"location / {{ {_EDGE} proxy_ignore_headers Cache-Control Set-Cookie; }}"
    return {
        **{case: alone(usual) for case in CACHED},
        "the edge passes everything on": alone(f"location / {{ {_EDGE} proxy_cache_bypass 1; proxy_no_cache 1; }}"),
        "kept with a cookie": alone(careless),
        "a basket that is kept": alone(careless),
        "says nothing of how it went": alone(
            usual.replace("add_header X-Cache-Status $upstream_cache_status always;", "")
        ),
    }


# ── Members ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Three members of which the second is broken; each case has a balancer of its own, so that each turn begins anew.
BALANCED = """
upstream three { server unix:FOLDER/one.sock max_fails=0; server unix:FOLDER/two.sock max_fails=0; server unix:FOLDER/one.sock max_fails=0; }
server { listen unix:FOLDER/one.sock; location / { default_type application/json; return 200 '{"status": "ok"}'; } }
server { listen unix:FOLDER/two.sock; location / { return 500; } }
"""


def members(name, root):
    fine = Member(lines='location / { default_type application/json; return 200 \'{"status": "ok"}\'; }')
    broken = Member(lines="location / { return 500; }")
    elsewhere = Member(lines=fine.lines, leaf=root.issue("elsewhere.acme.test", names=("elsewhere.acme.test",)))
    old = Member(lines='location / { default_type application/json; return 200 \'{"status": "old"}\'; }')
    return {
        "three that are well": (fine, fine, fine),
        "the second of three answers 500": (fine, broken, fine),
        "the last of three is down": (fine, fine, Member(down=True)),
        "the second of two has another's certificate": (fine, elsewhere),
        "the last of three says something else": (fine, fine, old),
        "all three are broken": (broken, broken, broken),
        "one of three behind one address answers 500": (
            Member(lines="location / { proxy_pass http://three; proxy_next_upstream off; }"),
        ),
    }


# ── Health ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def health(_name, _root):
    def json(body, status=200):
        return alone(f"location / {{ default_type application/json; return {status} '{body}'; }}")

    return {
        "is well": json('{"status": "ok", "database": "ok"}'),
        "is degraded": json('{"status": "degraded", "database": "down"}'),
        "is not ready": json('{"status": "starting"}', 503),
        "a page for people that says sorry": alone(
            "location / { default_type text/html; return 200 '<h1>Sorry, we will be back soon</h1>'; }"
        ),
        "leads to a form to log in": alone(
            "location / { return 302 /login; }\nlocation /login { default_type text/html; return 200 '<form>'; }"
        ),
        "JSON that ends in the middle": json('{"status": "ok", "data'),
        "an empty answer": alone("location / { return 204; }"),
        "nothing at all, with 200": json(""),
        "hangs up at once": alone("location / { return 444; }"),
    }
