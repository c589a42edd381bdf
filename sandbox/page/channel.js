// What stands in the middle: a channel, a direct message, or the app's Home?
import { post } from "./api.js";
import { avatar } from "./avatar.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { h, icon, toast, update } from "./dom.js";
import { makeFeed } from "./feed.js";
import { loadChannel, loadHome, loadOlder, loadState, markRead } from "./live.js";
import { mrkdwn } from "./mrkdwn.js";
import { hrefOf, takeFocus } from "./route.js";
import { S, changed, channelLabel, channelMessages, channelOf, isMember, nameOf } from "./store.js";

const root = document.getElementById("main");
const head = h("header", { class: "place-head" });
const body = h("div", { class: "place-body" });
const foot = h("div", { class: "place-foot" });
root.append(head, body, foot);
let shown = "";
let feed = null;
let box = null;

function tabs(kind) {
  const bot = S.app?.bot_user_id;
  const channel = S.channels.find((c) => c.kind === "im" && c.partner === bot);
  const tab = (label, place, on) => h("a", { class: `tab${on ? " on" : ""}`, href: hrefOf(place), "aria-current": on ? "page" : null }, label);
  return h("nav", { class: "tabs", "aria-label": S.app?.name }, tab("Home", { kind: "home" }, kind === "home"), channel && tab("Messages", { kind: "channel", channel: channel.id }, kind === "messages"));
}

function heading(channel) {
  const bot = S.app?.bot_user_id;
  if (S.place.kind === "home" || channel?.partner === bot) {
    const user = S.users.get(bot) ?? { id: bot, real_name: S.app?.name, is_bot: true };
    return [avatar(user, 26), h("h2", { class: "place-name" }, S.app?.name ?? "App"), tabs(S.place.kind === "home" ? "home" : "messages")];
  }
  if (!channel) return [h("h2", { class: "place-name" }, "No such channel")];
  if (channel.kind === "im") return [avatar(S.users.get(channel.partner), 26), h("h2", { class: "place-name" }, channelLabel(channel)), h("span", { class: "topic" }, S.users.get(channel.partner)?.title)];
  const members = (channel.members ?? []).length;
  return [h("h2", { class: "place-name" }, icon(channel.kind === "private" ? "lock" : "hash", 18), channel.name), h("span", { class: "topic", title: channel.topic }, channel.topic ? mrkdwn(channel.topic) : ""), h("span", { class: "grow" }),
    h("span", { class: "members", title: (channel.members ?? []).map((id) => nameOf(S.users.get(id))).join(", ") }, h("span", { class: "avatars" }, (channel.members ?? []).slice(0, 3).map((id) => avatar(S.users.get(id), 22))), h("span", {}, `${members} ${members === 1 ? "member" : "members"}`))];
}

const homeContext = (view) => ({
  id: `v${view.id}`,
  container: { type: "view", view_id: view.id },
  blocks: () => view.blocks,
  refresh: changed,
});

function renderHome() {
  const view = S.home;
  update(body, h("div", { key: "home", class: "home", tabindex: "0", role: "region", "aria-label": "Home" }, h("div", { class: "home-inner" },
    view === undefined ? h("p", { class: "muted" }, "Loading…") : view ? blocks(view.blocks, homeContext(view)) : h("div", { class: "empty" }, h("h3", {}, "Nothing here yet"), h("p", {}, `${S.app?.name ?? "The app"} has not published its Home for you.`)))));
}

function beginning(channel) {
  if (channel.kind === "im") return h("div", { class: "beginning" }, avatar(S.users.get(channel.partner), 56), h("h3", {}, channelLabel(channel)), h("p", {}, "This is the beginning of your direct messages."));
  return h("div", { class: "beginning" }, h("span", { class: "beginning-sign" }, icon(channel.kind === "private" ? "lock" : "hash", 30)), h("h3", {}, `#${channel.name}`), h("p", {}, channel.topic ? mrkdwn(channel.topic) : "This is the beginning of the channel."), h("p", { class: "hint-line" }, S.app?.commands?.length ? ["Type ", h("code", { class: "code" }, S.app.commands[0].command), " to begin."] : ""));
}

function open(channel) {
  feed = makeFeed(`Messages in ${channel.kind === "im" ? channelLabel(channel) : `#${channel.name}`}`, { older: () => loadOlder(channel.id) });
  body.replaceChildren(feed.box);
  box = null;
  foot.replaceChildren();
  S.unreadLine.set(channel.id, null);
}

function footer(channel) {
  const label = `${channel.id}${channel.name}${channel.archived}${isMember(channel)}`;
  if (foot.$label === label && foot.firstChild) return;
  foot.$label = label;
  if (channel.archived) return foot.replaceChildren(h("div", { class: "bar-note" }, "This channel is archived: it can be read, not written."));
  if (!isMember(channel)) {
    const join = async () => {
      await post("/control/invite", { as: S.me, channel: channel.id, user: S.me }).catch((error) => toast(error.message, { error: true }));
      await loadState();
    };
    return foot.replaceChildren(h("div", { class: "bar-note" }, "You are not a member of this channel. ", h("button", { class: "button", type: "button", onclick: join }, "Join channel")));
  }
  box = composer({ channel: channel.id, id: "composer" });
  box.$sent = () => feed?.toEnd();
  foot.replaceChildren(box);
}

/** The message that the "New" line stands above; decided once, when the channel is opened. */
function unreadStart(channel) {
  if (S.unreadLine.get(channel.id) === null) {
    const foreign = channel.unread > 0 ? channelMessages(channel.id).filter((m) => m.user !== S.me && !m.ephemeral) : [];
    S.unreadLine.set(channel.id, foreign.at(-Math.min(channel.unread, foreign.length))?.ts ?? "");
  }
  return S.unreadLine.get(channel.id) || null;
}

export function renderMain() {
  const channel = channelOf(S.place.channel);
  const key = `${S.me}/${S.place.kind}/${S.place.channel ?? ""}`;
  if (S.place.kind === "home") {
    if (shown !== key) {
      feed = null;
      foot.replaceChildren();
      foot.$label = "";
      body.replaceChildren();
      S.home = undefined;
      loadHome().catch((error) => toast(error.message, { error: true }));
      post("/control/home_opened", { as: S.me }).catch((error) => toast(error.message, { error: true }));
    }
    shown = key;
    update(head, heading(null));
    renderHome();
    return;
  }
  if (!channel) {
    shown = "";
    feed = null;
    update(head, heading(null));
    foot.replaceChildren();
    body.replaceChildren(h("div", { class: "empty" }, h("h3", {}, S.channels.length ? "You cannot see this channel" : "Loading…"), S.channels.length ? h("p", {}, "It does not exist, or the person you act as is not in it.") : ""));
    return;
  }
  if (shown !== key) open(channel);
  shown = key;
  update(head, heading(channel));
  footer(channel);
  const window_ = S.windows.get(channel.id);
  if (!window_ && S.online) loadChannel(channel.id).catch((error) => toast(error.message, { error: true }));
  const unreadFrom = window_?.loaded ? unreadStart(channel) : null;
  const beginningRow = window_?.loaded && !window_.hasMore ? [["begin", [channel.id, channel.topic, S.users], () => beginning(channel)]] : [];
  feed.show(() => channelMessages(channel.id), { unreadFrom, head: beginningRow, busy: !window_?.loaded });
  if (window_?.loaded && document.visibilityState === "visible") markRead(channel.id, channel.last_ts);
  if (box && takeFocusFor("message")) box.$focus();
}

function takeFocusFor(wanted) {
  return S.place.kind === "channel" && !S.place.thread && takeFocus() === wanted;
}
