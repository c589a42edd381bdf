"""What do defaults, a service and an environment come to?"""

from pathlib import Path

import pytest
from writing import APP, SERVICE, demo_environment, replaced, write

from bot.config import Settings, load
from bot.errors import ConfigError, Refused
from bot.plan import CheckPlan, Plan, Stage, StepKind


def read(folder: Path, service: str = "", app: str = APP, environ: dict[str, str] | None = None) -> Settings:
    return load(write(folder, app=app, shop=SERVICE + service), environ or {})


def plan(folder: Path, service: str = "", app: str = APP, environ: dict[str, str] | None = None) -> Plan:
    return read(folder, service, app, environ).plan("shop", "production")


def test_a_service_gets_what_the_defaults_say(tmp_path):
    shop = plan(tmp_path)
    assert (shop.service, shop.environment, shop.channel) == ("shop", "production", "shop")
    assert [role.contact for role in shop.roles] == ["ana@acme.example", "grace@acme.example"]
    (certificates, own) = shop.sections[0].items
    assert (certificates.role, certificates.checks, certificates.why) == ("lead", ("tls",), "They expire.")
    assert (own.checks, own.evidence) == ((), True)
    (deploy,) = shop.steps
    assert (deploy.stage, deploy.kind, deploy.script) == (Stage.DEPLOYING, StepKind.SCRIPT, "deploy")
    assert shop.sign_off.roles == ("lead", "owner")
    assert shop.watch is None


def test_one_key_of_one_item_changes_and_the_others_stay(tmp_path):
    shop = plan(tmp_path, "sections: {before: {items: {certificates: {fix: Call Ana.}}}}")
    item = shop.sections[0].items[0]
    assert (item.fix, item.why, item.checks) == ("Call Ana.", "They expire.", ("tls",))


def test_one_rule_changes_and_the_others_stay(tmp_path):
    shop = plan(tmp_path, 'checks: {tls: {pass: {days_left: ">= 30"}}}')
    assert shop.checks["tls"].pass_ == ("verified == true", "days_left >= 30")


def test_a_rule_is_taken_away_and_one_with_two_bounds_comes(tmp_path):
    shop = plan(tmp_path, 'checks: {tls: {pass: {verified: ~, age: [">= 1h", "<= 2h"]}}}')
    assert shop.checks["tls"].pass_ == ("days_left >= 21", "age >= 1h", "age <= 2h")


def test_a_list_of_rules_replaces_all(tmp_path):
    assert plan(tmp_path, "checks: {tls: {pass: [days_left >= 1]}}").checks["tls"].pass_ == ("days_left >= 1",)


def test_parameters_are_merged_and_their_lists_replaced(tmp_path):
    shop = plan(tmp_path, "checks: {tls: {with: {hosts: [b.example], ca_file: ca.pem}}}")
    assert shop.checks["tls"].with_ == {"hosts": ["b.example"], "ca_file": "ca.pem"}


def test_a_check_by_another_plugin_inherits_nothing_that_belongs_to_the_first(tmp_path):
    shop = plan(tmp_path, "checks: {tls: {uses: exec, with: {command: [./mine]}}}")
    assert shop.checks["tls"].with_ == {"command": ["./mine"]}
    assert shop.checks["tls"].pass_ == ()


def test_environments_inherit_from_each_other(tmp_path):
    settings = load(
        write(
            tmp_path,
            shop="service: shop\nchannel: shop\nenvironments:\n"
            "  rehearsal: {inherits: staging, admins: [zoe@acme.example]}\n"
            "  production: {}\n"
            "  staging: {inherits: production, channel: shop-staging, sign_off: {roles: [lead]}}\n",
        ),
        {},
    )
    assert settings.environments("shop") == ("rehearsal", "production", "staging")
    rehearsal, production = (settings.plan("shop", one) for one in ("rehearsal", "production"))
    assert (rehearsal.channel, rehearsal.sign_off.roles) == ("shop-staging", ("lead",))
    assert rehearsal.admins == ("zoe@acme.example",)
    assert (production.channel, production.sign_off.roles) == ("shop", ("lead", "owner"))


def test_an_item_is_left_out_with_its_reason(tmp_path):
    settings = read(tmp_path, "sections: {before: {items: {plan: {enabled: false, because: None is needed.}}}}")
    assert [item.key for item in settings.plan("shop", "production").sections[0].items] == ["certificates"]
    assert settings.left_out["shop", "production"] == {"A plan": "None is needed."}
    assert "left out: A plan. Because: None is needed." in settings.describe()


def test_a_section_is_left_out_with_what_it_measures(tmp_path):
    shop = plan(tmp_path, "sections: {before: {enabled: false, because: Nothing is ours.}}")
    assert shop.sections == ()
    assert shop.checks == {}


def test_an_item_of_our_own_stands_behind_the_one_it_names(tmp_path):
    shop = plan(tmp_path, "sections: {before: {items: {queue: {title: Queue, after: certificates}}}}")
    assert [item.key for item in shop.sections[0].items] == ["certificates", "queue", "plan"]


def test_a_measured_item_becomes_one_for_people(tmp_path):
    shop = plan(tmp_path, "sections: {before: {items: {certificates: {check: none}}}}")
    assert shop.sections[0].items[0].checks == ()
    assert shop.checks == {}


SIGNED = "checks: {plan: {uses: signoff}}\nsections: {before: {items: {plan: {check: plan}}}}\n"


def test_a_line_whose_check_is_a_sign_off_is_ticked_with_evidence_and_holds_for_ninety_days(tmp_path):
    shop = plan(tmp_path, SIGNED)
    item = shop.sections[0].items[1]
    assert (item.checks, item.signoff, item.evidence) == ((), "plan", True)
    assert shop.checks["plan"].valid_for_s == 90 * 86_400


def test_a_line_may_be_decided_by_several_checks_and_by_a_person_as_well(tmp_path):
    several = """
checks: {plan: {uses: signoff}, edge: {uses: tls, with: {hosts: [b.example]}}}
sections: {before: {items: {certificates: {check: [tls, edge, plan]}}}}
"""
    item = plan(tmp_path, several).sections[0].items[0]
    assert (item.checks, item.signoff, item.confirm, item.evidence) == (("tls", "edge"), "plan", True, True)


def test_one_of_several_checks_that_is_not_there_is_told_where_it_stands(tmp_path):
    written = "sections:\n  before:\n    items:\n      certificates:\n        check:\n        - tls\n        - edge\n"
    with pytest.raises(
        ConfigError, match=r"shop.yaml:\d+:11: sections.before.items.certificates.check\[2\]: there is no"
    ):
        plan(tmp_path, written)


def test_a_sign_off_is_given_by_people_and_so_to_items_only(tmp_path):
    step = "steps: {deploying: {deploy: {script: ~, checks: [plan]}}}\n"
    with pytest.raises(ConfigError, match="plan is signed by a person, so only an item can have it"):
        plan(tmp_path, SIGNED + step)


def test_what_a_check_does_not_say_is_said_for_all(tmp_path):
    shop = plan(
        tmp_path,
        "measuring: {timeout: 3 s, valid_for: 2 h}\n"
        "sections: {before: {items: {plan: {check: slow}}}}\n"
        "checks: {slow: {uses: exec, timeout: 1 min}}",
    )
    assert (shop.checks["tls"].timeout_s, shop.checks["tls"].valid_for_s) == (3.0, 7200.0)
    assert (shop.checks["slow"].timeout_s, shop.checks["slow"].valid_for_s) == (60.0, 7200.0)


def test_units_are_read(tmp_path):
    shop = plan(
        tmp_path,
        "watch: {url: 'https://a.example', rate: 50/s, live_rate: 0.5/s, timeout: 500 ms, baseline: 1.5 min}\n"
        "scripts: {deploy: {log_limit: 20 kB, deadline: 2 h}}\n"
        "follow_ups: {week: {title: A week, after: 7 d, tasks: {look: {title: Look}}}}",
    )
    assert shop.watch is not None
    assert (shop.watch.rate, shop.watch.live_rate, shop.watch.timeout_s, shop.watch.baseline_s) == (50, 0.5, 0.5, 90)
    assert (shop.scripts["deploy"].log_limit, shop.scripts["deploy"].deadline_s) == (20_000, 7200)
    assert shop.follow_ups[0].after_s == 604_800


def test_words_that_other_yaml_takes_for_something_else_are_words(tmp_path):
    shop = plan(tmp_path, "sections: {before: {items: {plan: {title: no, why: 12:30, fix: 2026-11-23}}}}")
    item = shop.sections[0].items[1]
    assert (item.title, item.why, item.fix) == ("no", "12:30", "2026-11-23")


# ── Values from the environment ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "environ", "hosts"),
    [
        ("[{env: HOST}]", {"HOST": "a.example"}, ["a.example"]),
        ("[{env: HOST, default: b.example}]", {}, ["b.example"]),
        ("[{env: HOST, default: b.example}]", {"HOST": ""}, ["b.example"]),
        ("[{env: HOST, then: ':443'}]", {"HOST": "a.example"}, ["a.example:443"]),
        ("[{env: HOST, then: {env: PORT}}]", {"HOST": "a:", "PORT": "1"}, ["a:1"]),
        ("[{env: HOST, then: [':', {env: PORT, default: 443}]}]", {"HOST": "a.example"}, ["a.example:443"]),
        ("{env: HOSTS, split: ','}", {"HOSTS": "a.example, b.example,"}, ["a.example", "b.example"]),
        ("[z.example, {env: HOSTS, split: ' ', then: ':1'}]", {"HOSTS": "a b"}, ["z.example", "a:1", "b:1"]),
    ],
)
def test_a_value_comes_from_the_environment(tmp_path, written, environ, hosts):
    shop = plan(tmp_path, f"checks: {{tls: {{with: {{hosts: {written}}}}}}}", environ=environ)
    assert shop.checks["tls"].with_["hosts"] == hosts


def test_a_secret_stays_a_reference_and_never_enters_the_plan(tmp_path):
    shop = plan(
        tmp_path,
        "checks: {tls: {with: {token: {env: SHOP_TOKEN}, headers: {Authorization: {env: SHOP_TOKEN, prefix: 'Bearer '}}, "
        "password: {file: /run/secrets/db}}}}",
        environ={"SHOP_TOKEN": "hunter2hunter2"},
    )
    assert shop.checks["tls"].with_["token"] == {"env": "SHOP_TOKEN"}
    assert shop.checks["tls"].with_["headers"] == {"Authorization": {"env": "SHOP_TOKEN", "prefix": "Bearer "}}
    assert shop.checks["tls"].with_["password"] == {"file": "/run/secrets/db"}
    assert "hunter2" not in repr(shop)


def test_an_item_and_a_check_may_be_called_after_a_secret(tmp_path):
    shop = plan(
        tmp_path,
        "sections: {before: {items: {api-key: {title: Key rotated, check: old-token}}}}\n"
        "checks: {old-token: {uses: http, with: {urls: ['https://a.example'], text: refused}, pass: [failed == 0]}}",
    )
    assert shop.checks["old-token"].with_["text"] == "refused"


def test_a_check_called_env_is_not_taken_for_a_reference(tmp_path):
    shop = plan(
        tmp_path,
        "sections: {before: {items: {env: {title: Variables, check: env}}}}\n"
        "checks: {env: {uses: env, with: {template: .env}}}",
    )
    assert shop.checks["env"].with_ == {"template": ".env"}


def test_a_script_may_see_its_secrets_without_naming_them_twice(tmp_path):
    shop = plan(tmp_path, "scripts: {deploy: {environment: [HOST], secrets: [TOKEN]}}")
    assert shop.scripts["deploy"].environment == ("HOST", "TOKEN")
    assert shop.scripts["deploy"].secrets == ("TOKEN",)


# ── What others ask ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_content_has_the_same_digest_wherever_it_stands(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = plan(tmp_path / "one", "admins: [zoe@acme.example]")
    second = plan(tmp_path / "two", app=APP + "  admins: [zoe@acme.example]\n")
    assert first.digest == second.digest
    assert len(first.digest) == 64


def test_another_rule_is_another_digest(tmp_path):
    first = plan(tmp_path)
    assert first.digest != plan(tmp_path, 'checks: {tls: {pass: {days_left: ">= 22"}}}').digest


def test_an_unknown_service_is_refused_with_the_nearest_first(tmp_path):
    settings = load(write(tmp_path, shop=SERVICE, cart=replaced(SERVICE, "shop", "cart")), {})
    assert settings.services == ("cart", "shop")
    with pytest.raises(Refused, match=r"^There is no service shopp\. Known: shop, cart\.$"):
        settings.plan("shopp", "production")


def test_an_unknown_environment_is_refused_with_those_there_are(tmp_path):
    settings = read(tmp_path)
    with pytest.raises(Refused, match=r"^shop has no environment prod\. It has: production\.$"):
        settings.plan("shop", "prod")


def test_plugins_see_each_check_that_is_used_and_no_other(tmp_path):
    seen: list[str] = []

    def validate(check: CheckPlan) -> None:
        seen.append(check.name)

    service = (
        "sections: {before: {items: {plan: {check: mine}}}}\n"
        "checks: {mine: {uses: record, pass: [failed == 0]}, unused: {uses: nonsense}}"
    )
    load(write(tmp_path, shop=SERVICE + service), {}, validate_check=validate)
    assert seen == ["tls"]


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (
            "check 'tls' (tls): 'hosts.1': no such host",
            "app.yaml:21:33: checks.tls.with.hosts[2]: 'hosts.1': no such host",
        ),
        (
            "check 'tls': no rule 'verified == true' here",
            "app.yaml:22:33: checks.tls.pass[2]: no rule 'verified == true' here",
        ),
        (
            "check 'tls': there is no check called 'tls'",
            "app.yaml:20:7: checks.tls.uses: there is no check called 'tls'",
        ),
        ("check 'tls': 'port' is missing", "app.yaml:19:5: checks.tls: 'port' is missing"),
    ],
)
def test_what_a_plugin_refuses_is_told_where_it_stands(tmp_path, sentence, told):
    def validate(check: CheckPlan) -> None:
        raise ConfigError(sentence)

    app = replaced(APP, "hosts: [a.example]", "hosts: [a.example, b.example]")
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, app=app), {}, validate_check=validate)
    assert str(error.value) == told


def test_the_projects_own_configuration_is_read_and_described():
    settings = load(Path(__file__).parent.parent.parent / "app.yaml", demo_environment())
    assert settings.services == ("checkout", "payments")
    assert settings.folder == Path(__file__).parent.parent.parent
    assert settings.describe().startswith("checkout → production: 62 items (")
