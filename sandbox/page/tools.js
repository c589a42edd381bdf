// What did the bot do wrong, what did it say, and how unkind is the sandbox to it?
import { get, post } from "./api.js";
import { time } from "./dates.js";
import { openDialog } from "./dialogs.js";
import { h, icon, toast, update } from "./dom.js";
import { json } from "./inspector.js";
import { S, changed, tz } from "./store.js";

let tab = "wrong";
let wrong = null;
let requests = null;
let faults = null;
let asked = false;

S.newFindings = (entry) => {
  if (wrong) wrong = [...wrong, entry].slice(-200);
};

async function load() {
  asked = true;
  try {
    if (tab === "wrong") wrong = (await get("/control/log", { findings: 1, limit: 200 })).entries;
    else if (tab === "requests") requests = (await get("/control/log", { limit: 200 })).entries;
    else faults = await get("/control/faults");
  } catch (error) {
    toast(error.message, { error: true });
  }
  changed();
}

function show(entry) {
  openDialog({
    title: `${entry.kind} · ${entry.name}`, className: "dialog-wide",
    body: [entry.findings?.length ? h("ul", { class: "finding-list" }, entry.findings.map((f) => h("li", {}, f))) : "", h("h3", {}, "Request"), json(entry.request), h("h3", {}, "Response"), json(entry.response)],
  });
}

function entryRow(entry) {
  const at = Date.parse(entry.at) / 1000;
  return h("li", { class: `log-entry${entry.findings?.length ? " bad" : ""}`, key: `n${entry.n}` },
    h("button", { class: "log-open", type: "button", onclick: () => show(entry) },
      h("span", { class: "log-line" }, h("code", { class: "log-name" }, entry.name), h("span", { class: "muted" }, `${entry.kind}${entry.ms === undefined || entry.ms === null ? "" : ` · ${Math.round(entry.ms)} ms`}`), h("span", { class: "grow" }), h("time", { class: "muted" }, Number.isFinite(at) ? time(at, tz(), true) : "")),
      (entry.findings ?? []).map((finding) => h("span", { class: "log-finding" }, icon("warn", 14), finding))));
}

const FAULTS = {
  lost_answer: "Answers are lost after the message was accepted", late_visibility: "New messages are late in history and replies", duplicate_delivery: "Deliveries come twice", drop_socket: "Sockets are dropped", http_500: "Requests get a 500",
  slow: "The API is slow", rate_limited: "Requests get 429 with Retry-After", revoked_token: "The token is revoked", deactivated_user: "A person is deactivated", archived_channel: "A channel is archived",
};
const WITH_TARGET = { deactivated_user: "user", archived_channel: "channel" };

async function setRules(rules) {
  try {
    const answer = await post("/control/faults", { seed: faults?.seed ?? 1, rules });
    faults = answer?.rules ? answer : { ...faults, rules };
  } catch (error) {
    toast(error.message, { error: true });
  }
  changed();
}

function describe(rule) {
  const target = rule.user ? S.users.get(rule.user)?.real_name ?? rule.user : rule.channel ? `#${S.channels.find((c) => c.id === rule.channel)?.name ?? rule.channel}` : "";
  return [rule.method, rule.probability !== undefined && rule.probability < 1 ? `${Math.round(rule.probability * 100)} %` : "", rule.times ? `${rule.times} times` : "", rule.seconds ? `${rule.seconds} s` : "", target].filter(Boolean).join(" · ");
}

function faultForm() {
  const field = (name, label, props) => h("label", { class: "field" }, h("span", {}, label), h("input", { class: "text-input", name, ...props }));
  return h("form", {
    class: "fault-form", key: "form",
    onsubmit: (event) => {
      event.preventDefault();
      const data = Object.fromEntries(new FormData(event.target));
      const rule = { fault: data.fault };
      if (data.method) rule.method = data.method;
      if (data.probability) rule.probability = Number(data.probability) / 100;
      if (data.times) rule.times = Number(data.times);
      if (data.seconds) rule.seconds = Number(data.seconds);
      const target = WITH_TARGET[data.fault];
      if (target && data.target) rule[target] = data.target;
      setRules([...(faults?.rules ?? []), rule]);
    },
  },
  h("div", { class: "field field-wide" }, h("label", { for: "fault" }, "What goes wrong"), h("select", { class: "text-input", name: "fault", id: "fault" }, Object.entries(FAULTS).map(([name, text]) => h("option", { value: name }, text)))),
  field("method", "Only this method", { placeholder: "chat.postMessage" }), field("probability", "How often, in %", { type: "number", min: "1", max: "100", placeholder: "100" }),
  field("times", "How many times", { type: "number", min: "1", placeholder: "always" }), field("seconds", "Seconds", { type: "number", min: "0", step: "any", placeholder: "default" }),
  h("div", { class: "field field-wide" }, h("label", { for: "target" }, "Person or channel, where it needs one"), h("select", { class: "text-input", name: "target", id: "target" }, h("option", { value: "" }, "None"), [...S.users.values()].map((u) => h("option", { value: u.id }, u.real_name || u.name)), S.channels.filter((c) => c.kind !== "im").map((c) => h("option", { value: c.id }, `#${c.name}`)))),
  h("button", { class: "button primary", type: "submit" }, "Add"));
}

function faultsPanel() {
  const rules = faults?.rules ?? [];
  const limits = S.limits;
  return h("div", { class: "tools-inner" },
    h("label", { class: "switch" }, h("input", { type: "checkbox", checked: limits, onchange: async (event) => {
      const enabled = event.target.checked;
      await post("/control/limits", { enabled }).then(() => { S.limits = enabled; }, (error) => toast(error.message, { error: true }));
      changed();
    } }), h("span", {}, "Rate limits by Slack's tiers")),
    h("h3", {}, "What goes wrong now"),
    rules.length ? h("ul", { class: "rules" }, rules.map((rule, i) => h("li", {}, h("span", {}, FAULTS[rule.fault] ?? rule.fault, h("span", { class: "muted" }, describe(rule) && ` · ${describe(rule)}`)), h("button", { class: "button", type: "button", onclick: () => setRules(rules.filter((_r, n) => n !== i)) }, "Stop")))) : h("p", { class: "muted" }, "Nothing: the sandbox is kind."),
    h("h3", {}, "Add a fault"), faultForm(),
    h("h3", {}, "Start over"), h("p", { class: "muted" }, "Messages, people and the clock go back to the world file."),
    h("button", { class: "button danger", type: "button", onclick: reset }, "Reset the workspace"));
}

function reset() {
  openDialog({
    role: "alertdialog", className: "dialog-small", title: "Reset the workspace", body: "Every message, modal and file in this sandbox is deleted, and the clock goes back to real time.",
    actions: [{ label: "Keep it", value: false, autofocus: true }, { label: "Reset", value: true, style: "danger" }],
    onclose: async (yes) => {
      if (!yes) return;
      await post("/control/reset").then(() => location.reload(), (error) => toast(error.message, { error: true }));
    },
  });
}

function logPanel(entries, empty) {
  if (!entries) return h("p", { class: "muted tools-inner" }, "Loading…");
  if (!entries.length) return h("div", { class: "empty" }, h("h3", {}, empty[0]), h("p", {}, empty[1]));
  return h("ol", { class: "log" }, [...entries].reverse().map(entryRow));
}

const TABS = {
  wrong: ["Findings", () => logPanel(wrong, ["Nothing wrong so far", "Rejected calls, late acks, unknown arguments and missing scopes of the bot appear here."])],
  requests: ["Requests", () => logPanel(requests, ["No requests yet", "Each call of the bot and each delivery to it appears here."])],
  faults: ["Faults", faultsPanel],
};

export function renderTools(root) {
  if (!asked) load();
  const keys = Object.keys(TABS);
  update(root,
    h("div", { class: "tool-head" }, h("div", { class: "tabs tool-tabs", role: "tablist", "aria-label": "Sandbox tools" }, keys.map((name) => h("button", {
      class: `tab${tab === name ? " on" : ""}`, type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(tab === name), "aria-controls": "tool-panel", tabindex: tab === name ? "0" : "-1",
      onclick: () => { tab = name; load(); },
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        tab = keys[(keys.indexOf(name) + step + keys.length) % keys.length];
        load();
        queueMicrotask(() => document.getElementById(`tab-${tab}`)?.focus());
      },
    }, TABS[name][0]))), tab !== "faults" && h("button", { class: "link-button tool-refresh", type: "button", onclick: load }, "Refresh")),
    h("div", { class: "tool-panel", role: "tabpanel", id: "tool-panel", "aria-labelledby": `tab-${tab}`, tabindex: "0", key: tab }, TABS[tab][1]()));
}
