// What stands at the top: the sandbox's clock, what the bot did wrong, light or dark, and who you act as?
import { post } from "./api.js";
import { avatar } from "./avatar.js";
import { date, duration, time } from "./dates.js";
import { h, icon, toast, update } from "./dom.js";
import { openMenu } from "./menus.js";
import { hrefOf } from "./route.js";
import { drawerOpen, toggleSidebar } from "./sidebar.js";
import { S, changed, me, nameOf, now, people, setClock, tz } from "./store.js";

const root = document.getElementById("topbar");

async function move(body) {
  try {
    setClock(await post("/clock", body));
    changed();
  } catch (error) {
    toast(error.message, { error: true });
  }
}

function nextDue() {
  return [...(S.clock.due ?? [])].filter((d) => d.at).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))[0];
}

function clock() {
  const due = nextDue();
  const at = now();
  const what = due ? `${due.what} ${Date.parse(due.at) / 1000 > at ? `in ${duration(Date.parse(due.at) / 1000 - at)}` : "is due now"}` : "Nothing is waiting";
  const step = (label, body, extra = {}) => h("button", { class: "clock-button", type: "button", onclick: () => move(body), ...extra }, label);
  return h("div", { class: "clock", role: "group", "aria-label": "Sandbox clock" },
    h("button", { class: "clock-face", type: "button", "aria-expanded": String(root.classList.contains("clock-open")), onclick: () => { root.classList.toggle("clock-open"); changed(); } }, icon("clock", 16),
      h("span", { class: "clock-date" }, date(at, at, tz(), "short")), h("time", { class: "clock-time", id: "clock-time" }, time(at, tz(), true)), Math.abs(S.clock.offset_s) > 1 && h("span", { class: "clock-offset", title: "Ahead of real time" }, `${S.clock.offset_s > 0 ? "+" : "−"}${duration(Math.abs(S.clock.offset_s))}`)),
    h("div", { class: "clock-steps" }, step("+1 h", { advance_s: 3600 }), step("+1 day", { advance_s: 86400 }), step("Next due", { to_due: true }, { disabled: !due, "aria-describedby": "due", title: what }), h("span", { class: "due", id: "due", title: what }, what)));
}

function switchPerson(event) {
  openMenu(event.currentTarget, {
    label: "Act as",
    header: h("div", { class: "menu-title" }, "Act as"),
    items: people().map((u) => ({ value: u.id, label: nameOf(u), description: u.title, avatar: avatar(u, 28), checked: u.id === S.me })),
    onchoose: ({ value }) => {
      if (value !== S.me) location.hash = hrefOf(S.place, value);
    },
  });
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  try {
    if (theme) localStorage.setItem("theme", theme);
  } catch {
    // A browser without storage simply forgets the choice.
  }
}

export function renderTopbar() {
  const user = me();
  update(root,
    h("h1", { class: "sr-only" }, S.team.name || "Sandbox"),
    h("button", { class: "skip", type: "button", onclick: () => (document.getElementById("composer") ?? document.getElementById("main").querySelector("a, button, [tabindex]"))?.focus() }, "Skip to the message box"),
    h("button", { class: "icon-button only-narrow", type: "button", id: "drawer", "aria-label": "Channels and people", "aria-controls": "sidebar", "aria-expanded": String(drawerOpen()), onclick: () => toggleSidebar(!drawerOpen()) }, icon("menu")),
    clock(),
    h("span", { class: "grow" }),
    !S.online && h("span", { class: "offline", role: "status" }, "Reconnecting…"),
    S.app && S.online && !S.connections && h("span", { class: "offline", role: "status" }, `${S.app.name} is not connected`),
    h("button", { class: `bar-button${S.findings ? " has-findings" : ""}`, type: "button", "aria-pressed": String(S.pane === "tools"), title: "What the bot did wrong", onclick: () => { S.pane = S.pane === "tools" ? null : "tools"; changed(); } },
      icon("bug", 17), h("span", { class: "wide-only" }, "What the bot did wrong"), " ", S.findings > 0 && h("span", { class: "count" }, String(S.findings))),
    h("button", { class: "icon-button", type: "button", "aria-label": "Dark mode", "aria-pressed": String(isDark()), title: "Dark mode", onclick: () => { setTheme(isDark() ? "light" : "dark"); changed(); } }, icon("moon", 17)),
    user && h("button", { class: "acting", type: "button", "aria-haspopup": "menu", "aria-expanded": "false", onclick: switchPerson }, avatar(user, 26), h("span", { class: "acting-text" }, h("span", { class: "acting-as" }, "Acting as "), h("strong", {}, nameOf(user))), icon("down", 14)));
}

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !root.classList.contains("clock-open")) return;
  root.classList.remove("clock-open");
  changed();
});
setInterval(() => {
  const face = document.getElementById("clock-time");
  if (face) face.textContent = time(now(), tz(), true);
}, 1000);
setInterval(changed, 30000);
