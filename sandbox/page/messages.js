// How does one message look, and a list of them?
import { post } from "./api.js";
import { avatar } from "./avatar.js";
import { blocks } from "./blocks.js";
import { ago, date, dayDistance, relativeDay, time } from "./dates.js";
import { guarded, h, icon, syncList, toast } from "./dom.js";
import { emojiChoices } from "./emoji.js";
import { attachment } from "./files.js";
import { inspect } from "./inspector.js";
import { openMenu } from "./menus.js";
import { emojiNode, link } from "./mentions.js";
import { mrkdwn, words } from "./mrkdwn.js";
import { go, hrefOf } from "./route.js";
import { S, changed, dropMessage, messagesChanged, nameOf, now, threadRoot, tz } from "./store.js";

const seconds = (message) => Number(message.ts.split(".")[0]);

function authorOf(message) {
  const user = S.users.get(message.user) ?? (message.bot_id ? S.users.get(S.app?.bot_user_id) : null);
  return { user: user ?? { id: message.user ?? message.bot_id, name: message.username }, name: message.username || nameOf(user), app: Boolean(message.bot_id ?? user?.is_bot) };
}

/** The container of a message's interactive elements; a root is drawn twice, in the channel and in its thread. */
function contextOf(message, inThread) {
  return {
    id: `m${message.channel}-${message.ts}`,
    copy: inThread ? "t" : "c",
    container: { type: "message", channel: message.channel, ts: message.ts },
    blocks: () => [...(message.blocks ?? []), ...(message.attachments ?? []).flatMap((a) => a.blocks ?? [])],
    refresh: () => {
      touched.set(message.ts, (touched.get(message.ts) ?? 0) + 1);
      messagesChanged();
      changed();
    },
  };
}

const touched = new Map();

function label(message) {
  const { name } = authorOf(message);
  return `${name}, ${time(seconds(message), tz())}: ${words(message.text || firstText(message.blocks), 120)}`;
}

function firstText(list) {
  for (const block of list ?? []) if (block.text?.text) return block.text.text;
  return "";
}

function toolbar(message, inThread) {
  const tools = [
    ["Add reaction", "smile", (event) => pickReaction(event.currentTarget, message)],
    !inThread && !message.ephemeral && ["Reply in thread", "thread", () => openThread(message)],
    ["Copy link", "link", () => copyLink(message)],
    ["Look inside", "code", () => inspect(message)],
    (S.app?.shortcuts ?? []).some((s) => s.type === "message") && ["Message shortcuts", "dots", (event) => messageShortcuts(event.currentTarget, message)],
  ].filter(Boolean);
  return h("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" },
    tools.filter(([name]) => !(message.ephemeral && (name === "Add reaction" || name === "Copy link"))).map(([name, shape, onclick]) =>
      h("button", { class: "icon-button", type: "button", tabindex: "-1", "aria-label": name, title: name, onclick }, icon(shape, 17))));
}

function messageShortcuts(anchor, message) {
  openMenu(anchor, {
    label: "Message shortcuts",
    items: S.app.shortcuts.filter((s) => s.type === "message").map((s) => ({ value: s.callback_id, label: s.name, description: S.app.name })),
    onchoose: ({ value }) => post("/control/shortcut", { as: S.me, callback_id: value, channel: message.channel, ts: message.ts }).catch((error) => toast(error.message, { error: true })),
  });
}

function openThread(message) {
  go({ kind: "channel", channel: message.channel, thread: threadRoot(message) ?? message.ts }, { focus: "reply" });
}

async function copyLink(message) {
  const url = new URL(hrefOf({ kind: "channel", channel: message.channel, thread: threadRoot(message) ?? message.ts }), location.href).href;
  try {
    await navigator.clipboard.writeText(url);
    toast("Link copied.");
  } catch {
    toast(url);
  }
}

function pickReaction(anchor, message) {
  openMenu(anchor, {
    kind: "listbox", label: "Add reaction", columns: 8, items: emojiChoices((picture) => h("span", { class: "emoji" }, picture)),
    onchoose: ({ value }) => react(message, value, false),
  });
}

async function react(message, name, remove) {
  await post("/control/react", { as: S.me, channel: message.channel, ts: message.ts, name, remove }).catch((error) => toast(error.message, { error: true }));
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map(({ name, users }) => {
    const mine = users.includes(S.me);
    return h("button", { class: `reaction${mine ? " mine" : ""}`, type: "button", key: name, "aria-pressed": String(mine), title: `${users.map((id) => nameOf(S.users.get(id))).join(", ")} reacted with :${name}:`, onclick: () => react(message, name, mine) }, emojiNode(name), ` ${users.length}`);
  }));
}

function replies(message) {
  if (!message.reply_count) return null;
  const last = Number((message.latest_reply ?? message.ts).split(".")[0]);
  return h("div", { class: "replies" },
    h("span", { class: "avatars" }, (message.reply_users ?? []).slice(0, 4).map((id) => avatar(S.users.get(id), 22))),
    h("a", { class: "reply-link", role: "button", href: hrefOf({ kind: "channel", channel: message.channel, thread: message.ts }) }, `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`),
    h("span", { class: "muted" }, `Last reply ${ago(last, now())}`));
}

function legacy(part, ctx) {
  const color = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" }[part.color] ?? (/^#?[0-9a-f]{6}$/i.test(part.color ?? "") ? `#${part.color.replace("#", "")}` : null);
  return h("div", { class: "attachment", style: color ? { "--bar": color } : {} },
    part.pretext && h("div", { class: "text" }, mrkdwn(part.pretext)),
    part.author_name && h("div", { class: "muted" }, part.author_name),
    part.title && h("strong", {}, part.title_link ? link(part.title_link, part.title) : part.title),
    part.text && h("div", { class: "text" }, mrkdwn(part.text)),
    part.fields && h("div", { class: "b-fields" }, part.fields.map((field) => h("div", {}, h("strong", {}, field.title), h("div", { class: "text" }, mrkdwn(field.value))))),
    part.blocks && blocks(part.blocks, ctx),
    part.image_url && h("img", { class: "attachment-image", src: part.image_url, alt: part.fallback ?? "" }),
    part.footer && h("div", { class: "muted" }, part.footer));
}

/** One message. `compact` leaves out who and when, for a message that follows the same author's. */
function article(message, { compact, inThread }) {
  const { user, name, app } = authorOf(message);
  const ctx = contextOf(message, inThread);
  const at = seconds(message);
  const stamp = h("time", { class: "stamp", datetime: new Date(at * 1000).toISOString(), title: `${date(at, 0, tz(), "long")} at ${time(at, tz(), true)}` }, time(at, tz()));
  const body = message.deleted
    ? h("div", { class: "muted" }, "This message was deleted.")
    : message.blocks?.length && message.bot_id
      ? blocks(message.blocks, ctx)
      : message.text && h("div", { class: "text" }, mrkdwn(message.text), message.edited && h("span", { class: "edited" }, " (edited)"));
  return h("article", { class: `message${compact ? " compact" : ""}${message.ephemeral ? " ephemeral" : ""}`, "aria-label": label(message), tabindex: "-1", id: `msg-${inThread ? "t" : "c"}-${message.ts}`, "data-ts": message.ts },
    h("div", { class: "gutter" }, compact ? stamp : message.icon_emoji ? h("span", { class: "avatar avatar-emoji", style: { "--size": "36px" } }, emojiNode(message.icon_emoji.replaceAll(":", ""))) : avatar(user)),
    h("div", { class: "content" },
      message.ephemeral && h("div", { class: "only-you" }, icon("eye", 14), "Only visible to you"),
      message.subtype === "thread_broadcast" && !inThread && h("div", { class: "only-you" }, "replied to a ", h("a", { href: hrefOf({ kind: "channel", channel: message.channel, thread: message.thread_ts }) }, "thread")),
      message.pinned && h("div", { class: "only-you" }, "📌 Pinned"),
      !compact && h("div", { class: "byline" }, h("span", { class: "author" }, name), app && h("span", { class: "app-badge" }, "APP"), user?.title && !app && h("span", { class: "role" }, user.title), stamp),
      body,
      message.blocks?.length && message.bot_id && message.edited ? h("div", { class: "edited" }, "(edited)") : null,
      (message.attachments ?? []).map((part) => legacy(part, ctx)),
      message.files?.length ? h("div", { class: "files" }, message.files.map(attachment)) : null,
      reactions(message),
      message.ephemeral && h("button", { class: "link-button", type: "button", onclick: () => dismiss(message) }, "Dismiss message"),
      !inThread && replies(message)),
    !message.deleted && toolbar(message, inThread));
}

/** In the place of a message that cannot be drawn: why, and the way to what was sent. */
function undrawn(message, inThread, error) {
  const sentence = `This message cannot be drawn here (${error.message}). If Slack draws it, that is a fault of the sandbox; its author finds what was sent below.`;
  return h("article", { class: "message", "aria-label": sentence, tabindex: "-1", id: `msg-${inThread ? "t" : "c"}-${message.ts}`, "data-ts": message.ts },
    h("div", { class: "gutter" }),
    h("div", { class: "content" }, h("div", { class: "unsupported" }, sentence), h("button", { class: "link-button", type: "button", onclick: () => inspect(message) }, "Look inside")));
}

function dismiss(message) {
  S.hidden.add(message.ts);
  dropMessage(message.channel, message.ts);
  changed();
  post("/control/dismiss", { as: S.me, channel: message.channel, ts: message.ts }).catch((error) => toast(error.message, { error: true }));
}

function dayDivider(at) {
  const words_ = relativeDay(at, now(), tz()) ?? date(at, now(), tz(), "long");
  return h("div", { class: "day", role: "separator", "aria-label": words_ }, h("span", {}, words_));
}

/** The rows of a list: day lines, the "New" line, messages grouped by author; rendered again only where something changed. */
export function syncMessages(feed, messages, { inThread = false, unreadFrom = null, head = [] } = {}) {
  const rows = head.map(([key, signature, render]) => ({ key, signature, render }));
  const zone = tz();
  const today = Math.floor(now() / 3600);
  let last = null;
  for (const message of messages) {
    const at = seconds(message);
    const newDay = !last || dayDistance(at, seconds(last), zone) !== 0;
    const isRoot = inThread && !threadRoot(message);
    if (newDay && !(inThread && last === null)) rows.push({ key: `d${message.ts}`, signature: [zone, today, at], render: () => dayDivider(at) });
    if (unreadFrom && message.ts === unreadFrom) rows.push({ key: "new", signature: [], render: () => h("div", { class: "new-line", role: "separator", "aria-label": "New" }, h("span", {}, "New")) });
    const compact = !newDay && !isRoot && last && unreadFrom !== message.ts && sameRun(last, message) && !(inThread && !threadRoot(last));
    const minutes = message.reply_count ? Math.floor(now() / 60) : 0;
    rows.push({ key: `m${message.ts}`, signature: [message, compact, zone, today, minutes, S.users, touched.get(message.ts) ?? 0], render: () => guarded(() => article(message, { compact, inThread }), (error) => undrawn(message, inThread, error)) });
    if (isRoot && messages.length > 1) {
      const count = messages.filter((m) => !m.ephemeral).length - 1;
      rows.push({ key: "count", signature: [count], render: () => h("div", { class: "thread-count" }, h("span", {}, `${count} ${count === 1 ? "reply" : "replies"}`)) });
    }
    last = message;
  }
  syncList(feed, rows);
  rove(feed);
}

function sameRun(a, b) {
  return a.user === b.user && a.username === b.username && Boolean(a.ephemeral) === Boolean(b.ephemeral) && !a.deleted && b.subtype === a.subtype && seconds(b) - seconds(a) < 300;
}

/** One message of the list can be reached by Tab; arrows move between them. */
function rove(feed) {
  const all = feed.querySelectorAll("article");
  if (all.length && ![...all].some((node) => node.tabIndex === 0)) all[all.length - 1].tabIndex = 0;
}

export function listKeys(event) {
  const feed = event.currentTarget;
  const here = event.target;
  if (here.tagName === "ARTICLE") {
    const all = [...feed.querySelectorAll("article")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step ? all[all.indexOf(here) + step] : event.key === "Home" ? all[0] : event.key === "End" ? all.at(-1) : null;
    if (next) {
      event.preventDefault();
      here.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    } else if (event.key === "ArrowRight") here.querySelector(".toolbar button")?.focus();
    else if (event.key === "Enter" && !feed.closest(".pane")) here.querySelector("[aria-label='Reply in thread']")?.click();
  } else if (here.closest(".toolbar")) {
    const all = [...here.closest(".toolbar").querySelectorAll("button")];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) all[all.indexOf(here) + step]?.focus();
    if (event.key === "Escape" || (step === -1 && all.indexOf(here) === 0)) here.closest("article").focus();
  }
}

export const mentionsMe = (message) => (message.text ?? "").includes(`<@${S.me}>`) || /<!(here|channel|everyone)>/.test(message.text ?? "");
