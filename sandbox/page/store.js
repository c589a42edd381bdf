// What does the page know, and who is told when it changes?

export const S = {
  me: "",
  team: { id: "", name: "", domain: "" },
  app: null,
  users: new Map(),
  groups: new Map(),
  channels: [],
  commands: [],
  clock: { version: 0, offset_s: 0, due: [], skew: 0 },
  connections: 0,
  findings: 0,
  place: { kind: "channel", channel: "", thread: null },
  pane: null,
  messages: new Map(),
  windows: new Map(),
  hidden: new Set(),
  unreadLine: new Map(),
  stack: [],
  home: undefined,
  online: false,
};

const listeners = new Set();
let waiting = false;

export function onChange(listener) {
  listeners.add(listener);
}

/** Asks for one re-render after everything that happens in this turn. */
export function changed() {
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => {
    waiting = false;
    for (const listener of listeners) listener();
  });
}

/** The sandbox's time in seconds. */
export function now() {
  return Date.now() / 1000 + S.clock.skew;
}

export function setClock(clock) {
  S.clock = { due: [], ...clock, skew: Date.parse(clock.now) / 1000 - Date.now() / 1000 };
}

export function setState(state) {
  Object.assign(S, { team: state.team, app: state.app, connections: state.connections ?? 0, findings: state.findings ?? 0, limits: state.limits ?? true });
  if (state.me) S.me = state.me;
  S.users = new Map(state.users.map((user) => [user.id, user]));
  S.groups = new Map((state.usergroups ?? []).map((group) => [group.id, group]));
  S.channels = state.channels;
  S.commands = [...(state.app?.commands ?? []), ...(state.app?.builtin_commands ?? [])];
  if (state.clock) setClock(state.clock);
}

export const me = () => S.users.get(S.me);
export const tz = () => me()?.tz ?? "UTC";
export const channelOf = (id) => S.channels.find((channel) => channel.id === id);
export const nameOf = (user) => user?.real_name || user?.name || "Somebody";
export const people = () => [...S.users.values()].filter((user) => !user.is_bot && !user.deleted);

export function isMember(channel) {
  return channel.is_member ?? (channel.kind === "im" || (channel.members ?? []).includes(S.me));
}

export function channelLabel(channel) {
  if (!channel) return "";
  return channel.kind === "im" ? nameOf(S.users.get(channel.partner)) : channel.name;
}

export function threadRoot(message) {
  return message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : null;
}

/** Grows whenever a message, or how one is shown, changed: lists are compared again only then. */
export let revision = 0;

export function messagesChanged() {
  revision += 1;
}

export function putMessage(message) {
  revision += 1;
  if (!S.messages.has(message.channel)) S.messages.set(message.channel, new Map());
  S.messages.get(message.channel).set(message.ts, message);
}

export function dropMessage(channel, ts) {
  revision += 1;
  S.messages.get(channel)?.delete(ts);
}

const byTs = (a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);

export function channelMessages(channel) {
  const oldest = S.windows.get(channel)?.oldest ?? "";
  const all = [...(S.messages.get(channel)?.values() ?? [])];
  return all.filter((m) => (!threadRoot(m) || m.subtype === "thread_broadcast") && m.ts >= oldest && !S.hidden.has(m.ts)).sort(byTs);
}

export function threadMessages(channel, root) {
  const all = [...(S.messages.get(channel)?.values() ?? [])];
  return all.filter((m) => (m.ts === root || m.thread_ts === root) && !S.hidden.has(m.ts)).sort(byTs);
}
