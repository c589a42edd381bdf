"""What do buttons carry? The ids of everything that can be pressed, and how a value names what it is about."""

from bot.errors import Refused

# Buttons and boxes in messages.
GO = "go"
NO_GO = "no_go"
NOT_ME = "not_me"
REACHABLE = "reachable"
START = "start"
MEASURE = "measure"
HOLD = "hold"
RESUME = "resume"
ABORT = "abort"
MORE = "more"
TICK = "tick"
ITEM_MORE = "item_more"
NOT_APPLICABLE = "not_applicable"
WHY = "why"
RETRY = "retry"
SKIP = "skip"
CONFIRM = "confirm"
CANCEL_RUN = "cancel_run"
ASK_ROLL_BACK = "ask_roll_back"
ROLL_BACK = "roll_back"
STOP_AUTO = "stop_auto"
ACCEPT = "accept"
SNOOZE = "snooze"
OPEN_START = "open_start"

# Modals.
START_MODAL = "start_modal"
NO_GO_MODAL = "no_go_modal"
HOLD_MODAL = "hold_modal"
ABORT_MODAL = "abort_modal"
EVIDENCE_MODAL = "evidence_modal"
NOT_APPLICABLE_MODAL = "not_applicable_modal"
WAIVE_MODAL = "waive_modal"
SKIP_MODAL = "skip_modal"
ACCEPT_MODAL = "accept_modal"

# Inputs in the start modal whose change redraws it.
CHOOSE_SERVICE = "choose_service"
CHOOSE_ENVIRONMENT = "choose_environment"

#: The global shortcut.
START_SHORTCUT = "deploy_start"


def value(deployment: str, about: str = "") -> str:
    """What a button carries: whose it is, and what it is about."""
    return f"{deployment}:{about}"


def parameter(service: str, environment: str, key: str) -> str:
    """The input of a parameter. Slack keeps what an input holds when a form is drawn anew, so that of another service is another one."""
    return f"parameter:{service}:{environment}:{key}"


def parse(carried: str) -> tuple[str, str]:
    """The deployment's id and what it is about; Refused for what we never wrote."""
    deployment, colon, about = carried.partition(":")
    if not colon or not deployment:
        raise Refused("This button is from a version that no longer exists. Use `/deploy status`.")
    return deployment, about
