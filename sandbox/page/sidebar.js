// What stands on the left: the workspace, its channels, direct messages and apps?
import { post } from "./api.js";
import { avatar } from "./avatar.js";
import { h, icon, toast, update } from "./dom.js";
import { loadState } from "./live.js";
import { openMenu } from "./menus.js";
import { go, hrefOf } from "./route.js";
import { S, changed, channelLabel, isMember, nameOf, people } from "./store.js";

const root = document.getElementById("sidebar");

const page = document.getElementById("app");

/** On a phone the sidebar is a drawer over the channel. */
export const drawerOpen = () => page.classList.contains("sidebar-open");

export function toggleSidebar(open) {
  if (open === drawerOpen()) return;
  page.classList.toggle("sidebar-open", open);
  changed();
}

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !drawerOpen()) return;
  toggleSidebar(false);
  document.getElementById("drawer")?.focus();
});

function row(channel) {
  const here = S.place.kind === "channel" && S.place.channel === channel.id;
  const unread = !here && channel.unread > 0;
  const partner = channel.kind === "im" ? S.users.get(channel.partner) : null;
  const label = channelLabel(channel) + (channel.partner === S.me ? " (you)" : "");
  return h("a", {
    key: channel.id, class: `row${here ? " here" : ""}${unread ? " unread" : ""}${isMember(channel) ? "" : " not-member"}`, href: hrefOf({ kind: "channel", channel: channel.id }), "aria-current": here ? "page" : null,
    onclick: () => toggleSidebar(false),
  }, partner ? avatar(partner, 20) : h("span", { class: "row-sign" }, icon(channel.kind === "private" ? "lock" : "hash", 16)), h("span", { class: "row-name" }, label), unread && h("span", { class: "sr-only" }, " unread"),
  !here && channel.mentions > 0 && h("span", { class: "badge" }, String(channel.mentions)));
}

function group(title, rows, extra) {
  return h("section", { key: title, class: "side-group", "aria-label": title }, h("div", { class: "side-title" }, h("h2", {}, title), extra), rows);
}

function newDirectMessage(event) {
  openMenu(event.currentTarget, {
    kind: "listbox", label: "people",
    items: people().filter((u) => u.id !== S.me).map((u) => ({ value: u.id, label: nameOf(u), text: `${nameOf(u)} ${u.name}`, description: u.title, avatar: avatar(u, 22) })),
    onchoose: async ({ value }) => {
      const known = S.channels.find((c) => c.kind === "im" && c.partner === value);
      try {
        const channel = known?.id ?? (await post("/control/open_direct", { as: S.me, user: value })).channel;
        if (!known) await loadState();
        toggleSidebar(false);
        go({ kind: "channel", channel });
      } catch (error) {
        toast(error.message, { error: true });
      }
    },
  });
}

const byName = (a, b) => channelLabel(a).localeCompare(channelLabel(b));

export function renderSidebar() {
  const bot = S.app?.bot_user_id;
  const live = S.channels.filter((c) => !c.archived || c.id === S.place.channel);
  const channels = live.filter((c) => c.kind !== "im").sort((a, b) => Number(isMember(b)) - Number(isMember(a)) || byName(a, b));
  const direct = live.filter((c) => c.kind === "im" && c.partner !== bot).sort(byName);
  const appChannel = S.channels.find((c) => c.kind === "im" && c.partner === bot);
  const inApp = S.place.kind === "home" || (appChannel && S.place.channel === appChannel.id);
  const appUser = S.users.get(bot) ?? { id: bot, name: S.app?.name, real_name: S.app?.name, is_bot: true };
  update(root,
    h("div", { class: "team" }, h("span", { class: "team-mark", "aria-hidden": "true" }, (S.team.name || "S")[0]), h("div", { class: "team-text" }, h("p", { class: "team-name" }, S.team.name || "Sandbox"), h("span", { class: "team-sub" }, "Sandbox workspace"))),
    h("div", { class: "side-scroll" },
      group("Channels", channels.map(row)),
      group("Direct messages", direct.map(row), h("button", { class: "icon-button side-add", type: "button", "aria-label": "New direct message", title: "New direct message", "aria-haspopup": "listbox", "aria-expanded": "false", onclick: newDirectMessage }, icon("plus", 15))),
      S.app && group("Apps", h("a", { class: `row${inApp ? " here" : ""}${!inApp && appChannel?.unread ? " unread" : ""}`, href: hrefOf({ kind: "home" }), "aria-current": inApp ? "page" : null, onclick: () => toggleSidebar(false) },
        avatar(appUser, 20), h("span", { class: "row-name" }, S.app.name), h("span", { class: `presence${S.connections ? " on" : ""}`, role: "img", "aria-label": S.connections ? "connected" : "not connected", title: S.connections ? "The bot is connected" : "The bot is not connected" }),
        !inApp && appChannel?.mentions > 0 && h("span", { class: "badge" }, String(appChannel.mentions))))));
}
