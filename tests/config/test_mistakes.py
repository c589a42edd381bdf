"""Which sentence does each mistake get, and where is it said to be?"""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from writing import APP, SERVICE, replaced, write

from bot.config import load
from bot.errors import ConfigError

STEP = "deploy: {title: Deploy, script: deploy}"
CHECK = "uses: tls"
PLAN = "plan: {title: A plan, evidence: true}"
TRIGGERS = "  triggers: {slow: {title: Slow, %s}}\n"

NEWLINE = "\n"

#: What is replaced, by what (» marks the place that has to be named), and what is then said.
IN_APP = [
    # Keys and kinds of values.
    (
        "evidence: true",
        "»evidnce: true",
        "sections.before.items.plan.evidnce: not a key here; did you mean evidence? Known: title, enabled, because, after, owner, check, confirm, evidence, why, fix",
    ),
    (
        "defaults:",
        "»defualts:",
        "defualts: not a key here; did you mean defaults? Known: include, plugins, defaults",
    ),
    (
        PLAN,
        "»plan: {evidence: true}",
        "sections.before.items.plan.title: is missing",
    ),
    (
        PLAN,
        "plan: {»title: '', evidence: true}",
        "sections.before.items.plan.title: is empty; expected a text",
    ),
    (
        PLAN,
        "plan: {»title: 404, evidence: true}",
        "sections.before.items.plan.title: expected a text, found 404; put it in quotes",
    ),
    (
        PLAN,
        "plan: {title: A plan, »evidence: often}",
        'sections.before.items.plan.evidence: expected true or false, found "often"',
    ),
    (PLAN, "»plan: often", 'sections.before.items.plan: expected a mapping (key: value), found "often"'),
    (
        CHECK,
        f"{CHECK}\n      »attempts: 1.5",
        "checks.tls.attempts: expected a whole number, found 1.5",
    ),
    (CHECK, f"{CHECK}\n      »attempts: 0", "checks.tls.attempts: expected at least 1, found 0"),
    (CHECK, f"{CHECK}\n      »attempts: 99", "checks.tls.attempts: expected at most 10, found 99"),
    (CHECK, f"{CHECK}\n      »warn: days", 'checks.tls.warn: expected a list, found "days"'),
    ("run: [./deploy.sh]", "»run: []", "scripts.deploy.run: is empty; expected at least 1"),
    # Units.
    (
        CHECK,
        f"{CHECK}\n      »timeout: 15",
        'checks.tls.timeout: expected a duration such as "15 min", "2 h", "7 d" or "500 ms", found 15',
    ),
    (
        CHECK,
        f"{CHECK}\n      »timeout: 15 m",
        'checks.tls.timeout: expected a duration such as "15 min", "2 h", "7 d" or "500 ms", found "15 m"',
    ),
    (
        "run: [./deploy.sh]",
        "run: [./deploy.sh], »log_limit: lots",
        'scripts.deploy.log_limit: expected a size such as "100 MB" or "20 kB", found "lots"',
    ),
    (
        APP,
        APP + "  watch: {url: 'https://a.example', »rate: 20}\n",
        'watch.rate: expected a rate such as "20/s" or "0.5/s", found 20',
    ),
    # Parameters of a start.
    *[
        (APP, f"{APP}  parameters: {{{written}}}\n", f"parameters.{sentence}")
        for written, sentence in [
            ("»Wave: {title: Wave, type: number}", "Wave: expected a key of small letters, digits and dashes"),
            (
                "wave: {title: Wave, »type: nubmer}",
                'wave.type: "nubmer" is not known; did you mean number? Known: text, choice, number, yes_no',
            ),
            (
                "»wave: {title: Wave, type: text}",
                "wave: is a text without a `pattern`; scripts get only what one allows",
            ),
            (
                'wave: {title: Wave, type: text, »pattern: "["}',
                "wave.pattern: is not a regular expression: unterminated character set at position 0",
            ),
            (
                'wave: {title: Wave, type: text, »pattern: "a{99999999999999999999}"}',
                "wave.pattern: is not a regular expression: the repetition number is too large",
            ),
            (
                'wave: {title: Wave, type: text, »pattern: "([a-z]+-?)+[0-9]"}',
                "wave.pattern: repeats what itself repeats, and a text that nearly matches would be tried in so many ways that the bot stands still; repeat a set of characters, as in [a-z-]+, or write [a-z]++ inside, which gives nothing back",
            ),
            (
                'wave: {title: Wave, type: text, pattern: "[a-z]+", »example: A1}',
                'wave.example: expected a text that matches [a-z]+, found "A1"',
            ),
            ("»wave: {title: Wave, type: choice}", "wave: needs `choices`, at least one and at most 100; found 0"),
            (
                "wave: {title: Wave, type: choice, choices: [a, »a]}",
                'wave.choices[2]: "a" stands here twice; keep one of them',
            ),
            (
                "wave: {title: Wave, type: choice, choices: [a, b], »default: c}",
                'wave.default: expected one of a, b, found "c"',
            ),
            (
                "wave: {title: Wave, type: number, at_least: 1, at_most: 9, »default: 10}",
                'wave.default: expected a whole number from 1 to 9, found "10"',
            ),
            (
                "wave: {title: Wave, type: number, at_least: 9, »at_most: 1}",
                "wave.at_most: is less than `at_least`, 9; no number is both",
            ),
            (
                'wave: {title: Wave, type: number, »pattern: "[0-9]"}',
                "wave.pattern: belongs to `type: text`, and this is a number",
            ),
            ("wave: {title: Wave, type: yes_no, »default: 3}", 'wave.default: expected yes or no, found "3"'),
            ("wave: {title: Wave, type: yes_no, »default: [no]}", "wave.default: expected one value"),
            (
                "wave: {title: Wave, type: yes_no, default: true, »required: true}",
                "wave.required: has a default, so it is never missing; leave one of the two out",
            ),
        ]
    ],
    (
        "run: [./deploy.sh]",
        'run: [./deploy.sh, »"${parameters.wave}"]',
        "scripts.deploy.run[2]: ${parameters.wave} is not known here; known: version, commit, service, environment, previous, deployment",
    ),
    # Names of things that are not there.
    (
        "check: tls",
        "»check: tsl",
        "sections.before.items.certificates.check: there is no check tsl; did you mean tls? Known: tls",
    ),
    (
        "owner: lead\n      items",
        "»owner: leed\n      items",
        "sections.before.owner: there is no role leed; did you mean lead? Known: lead, owner",
    ),
    (
        "script: deploy}",
        "»script: deplyo}",
        "steps.deploying.deploy.script: there is no script deplyo; did you mean deploy? Known: deploy",
    ),
    (
        "script: deploy}",
        "script: deploy, »undo: undeploy}",
        "steps.deploying.deploy.undo: there is no aborting step undeploy; there are none",
    ),
    (
        PLAN,
        "plan: {title: A plan, »after: certificate}",
        "sections.before.items.plan.after: there is no entry certificate; did you mean certificates? Known: certificates",
    ),
    (
        APP,
        APP + "  sign_off: {roles: [lead, »boss]}\n",
        "sign_off.roles[2]: there is no role boss; known: lead, owner",
    ),
    # Keys.
    (
        "certificates: {",
        "»Certificates!: {",
        "sections.before.items.Certificates!: expected a key of small letters, digits and dashes",
    ),
    (
        "criteria: {title: Criteria, owner: owner, items: {}}",
        "criteria: {title: Criteria, items: {»plan: {title: Another}}}",
        "criteria.items.plan: the key plan is taken by sections.before.items.plan; every item has a key of its own",
    ),
    (
        PLAN,
        "»certificates: {title: Twice}",
        "certificates: stands twice in the same mapping, first in line 11; keep one of them",
    ),
    # Leaving out.
    (
        PLAN,
        "plan: {title: A plan, »enabled: false}",
        "sections.before.items.plan.enabled: is left out without a reason; add `because:` in one sentence",
    ),
    # Items, steps and triggers that make no sense.
    (
        STEP,
        "»deploy: {title: Deploy}",
        "steps.deploying.deploy: expected exactly one of script, checks, announce, confirm; found none of them",
    ),
    (
        STEP,
        "»deploy: {title: Deploy, script: deploy, announce: done}",
        "steps.deploying.deploy: expected exactly one of script, checks, announce, confirm; found script and announce",
    ),
    (
        STEP,
        "deploy: {title: Deploy, »announce: finished}",
        'steps.deploying.deploy.announce: "finished" is not known; known: planned, done, rolled_back, called_off',
    ),
    (
        STEP,
        "deploy: {title: Deploy, checks: [tls], »approved_by: lead}",
        "steps.deploying.deploy.approved_by: only a script waits for an approval",
    ),
    (
        STEP,
        "deploy: {title: Deploy, script: deploy, »sees: version}",
        "steps.deploying.deploy.sees: needs `release.seen`: the check that sees which version answers",
    ),
    (
        STEP,
        "deploy: {title: Deploy, script: deploy, »only_if: schema_changed}",
        "steps.deploying.deploy.only_if: needs `release.schema_path`: where the schema of the database stands",
    ),
    (
        APP,
        APP + TRIGGERS % "check: tls, »fail_after: 5, of: 4",
        "triggers.slow.fail_after: 5 of 4 samples can never be reached",
    ),
    (
        APP,
        APP + TRIGGERS % "»auto: true",
        "triggers.slow.auto: nothing rolls back by itself without a check that says so",
    ),
    # People.
    (
        "contact: ana@acme.example",
        '»contact: "[contact]"',
        'roles.lead.contact: expected an e-mail address or a Slack user id, found "[contact]"',
    ),
    (
        "backup: ben@acme.example",
        "»backup: ana@acme.example",
        "roles.lead.backup: is the same person as the contact; name somebody else",
    ),
    # Rules and parameters.
    (
        '"days_left >= 21"',
        '»"days_left => 21"',
        "checks.tls.pass[1]: rule 'days_left => 21', column 10: after the name comes one of == != < <= > >=",
    ),
    (
        '"days_left >= 21"',
        '»"days_left >= baseline -10%"',
        "checks.tls.pass[1]: compares with a baseline; say which with `baseline: {of: …}`",
    ),
    (
        "hosts: [a.example]",
        "hosts: [»'${verison}.example']",
        "checks.tls.with.hosts[1]: ${verison} is not known here; did you mean version? Known: version, commit, service, environment, previous, deployment, window",
    ),
    (
        "run: [./deploy.sh]",
        "run: [./deploy.sh, »'${tag}']",
        "scripts.deploy.run[2]: ${tag} is not known here; known: version, commit, service, environment, previous, deployment",
    ),
    (
        "tls:\n      uses: tls\n      with: {hosts: [a.example]}",
        "»tls:\n      uses: watch",
        "checks.tls: judges the watch, and there is none; add `watch:` with its url",
    ),
    (
        "uses: tls\n      with: {hosts: [a.example]}",
        "uses: record\n      with: {steps: [»deplyo]}",
        "checks.tls.with.steps[1]: there is no step deplyo; did you mean deploy? Known: deploy",
    ),
    (
        "uses: tls\n      with: {hosts: [a.example]}",
        "uses: record\n      with: {»stops: [deploy]}",
        "checks.tls.with.stops: not a key here; did you mean steps? Known: checks, steps, items, sections",
    ),
    (
        "uses: tls\n      with: {hosts: [a.example]}",
        "uses: record\n      with: {sections: [»befor]}",
        "checks.tls.with.sections[1]: there is no section befor; did you mean before? Known: before, verification",
    ),
    # Secrets and references.
    (
        "hosts: [a.example]",
        "token: »hunter2",
        "checks.tls.with.token: is a secret; write {env: NAME} or {file: PATH} in place of its value",
    ),
    (
        "hosts: [a.example]",
        "hosts: [»'https://ana:hunter2@a.example']",
        "checks.tls.with.hosts[1]: holds a password in a URL; give it to the check or the script as a secret of its own",
    ),
    (
        "hosts: [a.example]",
        "hosts: [{env: »HOST}]",
        "checks.tls.with.hosts[1]: HOST is not set in the environment; set it, or add `default:` to the reference",
    ),
    (
        "hosts: [a.example]",
        "hosts: [{env: HOST, default: x, »defualt: x}]",
        "checks.tls.with.hosts[1].defualt: not known in a reference; did you mean default? Known: env, file, prefix, default, then, split",
    ),
    (
        "hosts: [a.example]",
        "hosts: [»{file: hosts.txt}]",
        "checks.tls.with.hosts[1]: {file: …} is for secrets only; write the value, or {env: NAME}",
    ),
    (
        "hosts: [a.example]",
        "token: {env: T, »default: hunter2}",
        "checks.tls.with.token.default: not for secrets: only {env: NAME} or {file: PATH}",
    ),
    (
        "hosts: [a.example]",
        "hosts: {env: HOSTS, default: x, split: »''}",
        'checks.tls.with.hosts.split: expected the text between the parts, such as ","',
    ),
    (
        "hosts: [a.example]",
        "hosts: [{env: HOSTS, then: »[a, [b]]}]",
        "checks.tls.with.hosts[1].then: expected a text, a reference, or a list of them",
    ),
    # YAML itself.
    (
        PLAN,
        "plan: {title: [A plan»}",
        "is not YAML here: expected ',' or ']', but got '}'",
    ),
    (
        "uses: tls",
        "uses: »!ruby/object tls",
        "the tag !ruby/object is not read here; write plain values",
    ),
    (
        "include: services/*.yaml",
        "»include: [services]",
        "include: expected a pattern of files such as services/*.yaml",
    ),
]

IN_SERVICE = [
    ("service: shop\n", "»", "service: expected the name of the service"),
    (
        SERVICE,
        "»service: shop\nchannel: shop\n",
        "environments: expected at least one, such as production: {}",
    ),
    (
        "production: {}",
        "production: {»chanel: x}",
        "chanel: not a key here; did you mean channel? Known: channel, announce_to, admins, roles, sign_off, release, parameters, watch, sections, steps, verification, criteria, triggers, follow_ups, artifacts, checks, scripts, measuring",
    ),
    (
        "production: {}",
        "production: {inherits: »staging}",
        "environments.production.inherits: there is no other environment staging; there are none",
    ),
    (
        "production: {}",
        "production: {inherits: staging}\n  staging: {inherits: »production}",
        "environments.staging.inherits: goes round in a circle: production → staging → production",
    ),
    (
        "production: {}",
        "production: »yes",
        "environments.production: expected a mapping (key: value)",
    ),
    (
        SERVICE,
        SERVICE + "sections: {before: {items: {»plan: ~}}}\n",
        "sections.before.items.plan: is empty; to leave it out, write `enabled: false` and `because:`",
    ),
    (
        SERVICE,
        SERVICE + "checks: {tls: {pass: {days_left: »'=> 30'}}}\n",
        "checks.tls.pass[2]: rule 'days_left => 30', column 10: after the name comes one of == != < <= > >=",
    ),
]


def said(folder: Path, **files: str) -> str:
    with pytest.raises(ConfigError) as error:
        load(write(folder, **files), {})
    return str(error.value)


def marked(text: str) -> tuple[str, str]:
    """The text without its mark, and where the mark stood."""
    before, after = text.split("»")
    return before + after, f"{before.count(NEWLINE) + 1}:{len(before) - before.rfind(NEWLINE)}"


def ids(table: list[tuple[str, str, str]]) -> list[str]:
    return [sentence[:70] for _, _, sentence in table]


@pytest.mark.parametrize(("old", "new", "sentence"), IN_APP, ids=ids(IN_APP))
def test_a_mistake_in_the_defaults_gets_this_sentence(tmp_path, old, new, sentence):
    app, place = marked(replaced(APP, old, new))
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, app=app), {"HOSTS": "a,b"} if "then" in new or "split" in new else {})
    assert str(error.value) == f"app.yaml:{place}: {sentence}"


@pytest.mark.parametrize(("old", "new", "sentence"), IN_SERVICE, ids=ids(IN_SERVICE))
def test_a_mistake_in_a_service_gets_this_sentence(tmp_path, old, new, sentence):
    service, place = marked(replaced(SERVICE, old, new))
    assert said(tmp_path, shop=service) == f"services/shop.yaml:{place}: {sentence}"


def test_several_mistakes_are_told_together_in_the_order_of_the_files(tmp_path):
    app = replaced(APP, "evidence: true", "evidnce: true")
    app = replaced(app, "backup: ben@acme.example", "backup: ana@acme.example, phone: 1")
    lines = said(tmp_path, app=app, shop=SERVICE + "chanel: x\n").splitlines()
    assert lines[0] == "3 mistakes in the configuration:"
    assert [line.split(": ")[0] for line in lines[1:]] == ["app.yaml:4:78", "app.yaml:12:31", "services/shop.yaml:5:1"]


def test_a_mistake_in_the_defaults_is_told_once_however_many_services_there_are(tmp_path):
    app = replaced(APP, "evidence: true", "evidnce: true")
    text = said(tmp_path, app=app, shop=SERVICE, cart=replaced(SERVICE, "service: shop", "service: cart"))
    assert text.count("evidnce") == 1


def test_variables_that_are_not_set_are_one_sentence_for_each_file(tmp_path):
    hosts = replaced(APP, "hosts: [a.example]", "hosts: [{env: FIRST}, {env: SECOND}, {env: THIRD}]")
    text = said(tmp_path, app=hosts)
    assert text.partition("checks.tls.with.hosts[1]: ")[2] == (
        "3 variables are not set in the environment: FIRST, SECOND, THIRD. Set them, or add `default:` to their references"
    )


def test_of_very_many_mistakes_twenty_are_told(tmp_path):
    wrong = "".join(f"wrong{number}: 1\n" for number in range(25))
    lines = said(tmp_path, shop=SERVICE + wrong).splitlines()
    assert lines[0] == "25 mistakes in the configuration:"
    assert len(lines) == 22
    assert lines[-1] == "and 5 more, told once these are corrected"


def test_a_service_that_is_described_twice_is_refused(tmp_path):
    text = said(tmp_path, shop=SERVICE, other=SERVICE)
    assert text == "services/shop.yaml:1:10: service: shop is described twice, first in services/other.yaml"


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(
        ConfigError, match=r"^app.yaml:1:1: cannot be read \(No such file or directory\); is the path right\?$"
    ):
        load(tmp_path / "app.yaml", {})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "app.yaml:1:1: is empty; expected a mapping (key: value)"),
        (b"- a\n", "app.yaml:1:1: expected a mapping (key: value) at the top of the file"),
        (b"a: \xff\xfe", "app.yaml:1:1: is not UTF-8 text; save it as UTF-8"),
        (b"a: \x07", "app.yaml:1:4: YAML does not allow the character that stands here; delete it"),
        (b"a: &a [*a]", "app.yaml:1:4: an alias that contains itself cannot be read; write it out"),
        (b"a: 1\n---\nb: 2\n", "app.yaml:2:1: is not YAML here: but found another document"),
    ],
)
def test_a_file_that_is_no_configuration_gets_a_sentence(tmp_path, content, sentence):
    path = write(tmp_path)
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load(path, {})
    assert sentence in str(error.value)


def test_without_any_service_there_is_nothing_to_deploy(tmp_path):
    path = tmp_path / "app.yaml"
    path.write_text(APP, encoding="utf-8")
    with pytest.raises(ConfigError, match="no service file was found, so there is nothing to deploy"):
        load(path, {})


def test_a_variable_that_is_not_set_is_told_once_and_leads_to_no_other_mistake(tmp_path):
    service = (
        "watch: {url: {env: SHOP_URL}, addresses: [{env: SHOP_ADDRESS}], ca_file: {env: SHOP_URL}}\n"
        "checks: {tls: {with: {hosts: [{env: SHOP_URL}]}}}\nchanel: x\n"
    )
    lines = said(tmp_path, shop=SERVICE + service).splitlines()
    assert [line.split(": ")[1] for line in lines[1:]] == ["watch.url", "chanel"]
    assert "SHOP_URL, SHOP_ADDRESS. Set them" in lines[1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, APP.count(NEWLINE) - 1),
    column=st.integers(0, 60),
    what=st.sampled_from(
        [
            "~",
            "[]",
            "{}",
            "- x",
            " 1",
            "true",
            "{env: X}",
            "{file: x}",
            "{env: [a]}",
            "[[a]]",
            "{a: {b: c}}",
            "'${",
            '"',
            "&a",
            "*a",
            "!!x",
            "<<: {}",
            "? a",
            ": ",
            "#",
            "\t",
            "\x00",
            "{env: X, split: 1}",
            "{env: X, default: [1, {}]}",
            "-1 s",
        ]
    ),
    instead=st.booleans(),
)
def test_whatever_is_written_there_is_a_plan_or_a_sentence(tmp_path, at, column, what, instead):
    lines = APP.splitlines()
    lines[at] = lines[at][:column] + what + ("" if instead else lines[at][column:])
    with suppress(ConfigError):
        assert load(write(tmp_path, app=NEWLINE.join(lines)), {}).services == ("shop",)


@pytest.mark.parametrize(
    "url", ["https://ana:hunter2@a.example", "https://hunter2@a.example", "redis://:hunter2@a.example"]
)
@pytest.mark.parametrize(
    "written", ["'{}'", "{{env: URL}}", "{{env: NONE, default: '{}'}}", "{{env: HOST, then: '{}'}}"]
)
def test_a_password_in_a_url_never_enters_the_plan(tmp_path, url, written):
    app = replaced(APP, "hosts: [a.example]", f"hosts: [{written.format(url)}]")
    with pytest.raises(ConfigError, match="holds a password in a URL") as error:
        load(write(tmp_path, app=app), {"URL": url, "HOST": "see "})
    assert "hunter2" not in str(error.value)


def test_no_secret_is_repeated_in_what_is_said(tmp_path):
    text = said(tmp_path, app=replaced(APP, "hosts: [a.example]", "token: hunter2, password: hunter3"))
    assert "hunter" not in text
