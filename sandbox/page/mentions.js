// How do people, channels, groups, dates, emoji and links look inside a text?
import { formatDate } from "./dates.js";
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { S, channelOf, nameOf, now, tz } from "./store.js";

const SAFE = /^(https?:|mailto:|tel:|slack:)/i;

export function link(url, label, attributes = {}) {
  if (!SAFE.test(url)) return label instanceof Node ? label : document.createTextNode(label ?? url);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", ...attributes }, label ?? url);
}

export function userMention(id, label) {
  const user = S.users.get(id);
  return h("span", { class: id === S.me ? "mention mention-me" : "mention", title: user?.title }, `@${user ? nameOf(user) : label ?? id}`);
}

export function channelMention(id, label) {
  const channel = channelOf(id);
  return h("a", { class: "mention", href: `#/as/${S.me}/${id}` }, `#${channel?.name ?? label ?? id}`);
}

export function groupMention(id, label) {
  const group = S.groups.get(id);
  const mine = group?.users?.includes(S.me);
  return h("span", { class: mine ? "mention mention-me" : "mention", title: group?.name }, group ? `@${group.handle}` : `@${(label ?? id).replace(/^@/, "")}`);
}

export function broadcast(range) {
  return h("span", { class: "mention mention-me" }, `@${range}`);
}

export function emojiNode(name) {
  const picture = emoji(name);
  if (!picture) return document.createTextNode(`:${name}:`);
  return h("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, picture);
}

export function dateNode(seconds, format, url, fallback) {
  const text = formatDate(seconds, format, now(), tz());
  if (text === null) return document.createTextNode(fallback ?? "");
  const full = formatDate(seconds, "{date_long} {time}", now(), tz());
  const node = h("time", { datetime: new Date(seconds * 1000).toISOString(), title: full }, text);
  return url ? link(url, node) : node;
}
