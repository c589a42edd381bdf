// How does the page learn what happens, and load what it does not know yet?
import { get, post, stream } from "./api.js";
import { announce, toast } from "./dom.js";
import { mentionsMe } from "./messages.js";
import { words } from "./mrkdwn.js";
import { S, changed, channelOf, dropMessage, messagesChanged, nameOf, putMessage, setClock, setState, threadRoot } from "./store.js";

const PAGE = 100;
let stop = () => undefined;
let loading = 0;
let missed = [];
let reloading = 0;

/** Loads with events kept aside, so that an answer that was on its way cannot overwrite something newer. */
async function load(work) {
  loading += 1;
  try {
    await work();
  } finally {
    loading -= 1;
    if (!loading) {
      for (const event of missed.splice(0)) apply(event);
    }
    changed();
  }
}

let heard = 0;

/** Asks again when a message came in between: an answer from before it would take its unread mark away. */
export async function loadState(as = S.me) {
  let state;
  let before;
  for (let tries = 0; tries < 5 && before !== heard; tries++) {
    before = heard;
    state = await get("/control/state", { as });
  }
  setState(state);
  changed();
}

const fetching = new Set();

/** Runs `work` unless the same is already under way for this person. */
async function once(key, work) {
  const mine = `${S.me}/${key}`;
  if (fetching.has(mine)) return;
  fetching.add(mine);
  try {
    await work(S.me);
  } finally {
    fetching.delete(mine);
  }
}

/** Messages for whoever looked when they were asked for; what comes after a switch of persons is dropped. */
async function fetchMessages(as, key, query, use) {
  let answer;
  try {
    answer = await get("/control/messages", { as, ...query });
  } catch (error) {
    S.windows.set(key, { failed: true });
    throw error;
  }
  if (as === S.me) use(answer);
}

const windowOf = (answer) => ({ oldest: answer.has_more ? answer.messages[0]?.ts ?? "" : "", hasMore: answer.has_more, loaded: true });

export function loadChannel(channel) {
  return once(channel, (as) => load(() => fetchMessages(as, channel, { channel, limit: PAGE }, (answer) => {
    const kept = [...(S.messages.get(channel)?.values() ?? [])].filter((m) => threadRoot(m));
    S.messages.set(channel, new Map(kept.map((m) => [m.ts, m])));
    answer.messages.forEach(putMessage);
    S.windows.set(channel, windowOf(answer));
  })));
}

export async function loadOlder(channel) {
  const window_ = S.windows.get(channel);
  if (!window_?.hasMore) return;
  await once(`${channel} older`, (as) => fetchMessages(as, channel, { channel, before: window_.oldest, limit: PAGE }, (answer) => {
    answer.messages.forEach(putMessage);
    S.windows.set(channel, windowOf(answer));
    changed();
  }));
}

export function loadThread(channel, thread) {
  const key = `${channel}/${thread}`;
  return once(key, (as) => load(() => fetchMessages(as, key, { channel, thread, limit: 1000 }, (answer) => {
    const fresh = new Set(answer.messages.map((m) => m.ts));
    for (const m of S.messages.get(channel)?.values() ?? []) if (m.thread_ts === thread && !fresh.has(m.ts)) dropMessage(channel, m.ts);
    answer.messages.forEach(putMessage);
    S.windows.set(key, { loaded: true });
  })));
}

/** How many have come by themselves: what was asked for before the newest of them is older than it. */
let homesThatCame = 0;

export async function loadHome() {
  const before = homesThatCame;
  const { view } = await get("/control/home", { as: S.me });
  if (homesThatCame === before) S.home = view;
  changed();
}

async function loadViews() {
  S.stack = (await get("/control/views", { as: S.me })).stack;
  changed();
}

const marked = new Map();
const marking = new Map();

/** Tells the sandbox, a moment later, that everything up to `ts` was in sight. */
export function markRead(channel, ts) {
  const known = channelOf(channel);
  const key = `${S.me}/${channel}`;
  if (!ts || !known) return;
  const news = known.unread > 0 || known.mentions > 0 || (marked.has(key) && marked.get(key) !== ts);
  marked.set(key, ts);
  known.unread = 0;
  known.mentions = 0;
  if (!news) return;
  const as = S.me;
  clearTimeout(marking.get(key));
  marking.set(key, setTimeout(() => post("/control/mark", { as, channel, ts }).catch(() => undefined), 300));
}

const inSight = (message) => S.place.kind === "channel" && S.place.channel === message.channel && (!threadRoot(message) || S.place.thread === threadRoot(message) || message.subtype === "thread_broadcast");

function arrived(message) {
  heard += 1;
  putMessage(message);
  const channel = channelOf(message.channel);
  if (!channel) {
    loadState().catch(() => undefined);
    return;
  }
  // The state that was loaded last counts everything up to its newest message, however late the event comes.
  const counted = message.ts <= (channel.last_ts ?? "");
  if (!counted) channel.last_ts = message.ts;
  if (message.user === S.me || counted) return;
  const sender = message.username || nameOf(S.users.get(message.user));
  if (inSight(message)) announce(`${sender}: ${words(message.text, 200)}`);
  const seen = inSight(message) && document.visibilityState === "visible";
  if (!seen && !threadRoot(message)) channel.unread = (channel.unread ?? 0) + 1;
  if (!seen && (channel.kind === "im" || mentionsMe(message))) channel.mentions = (channel.mentions ?? 0) + 1;
}

const EVENTS = {
  message: ({ message }) => arrived(message),
  message_changed: ({ message }) => putMessage(message),
  message_deleted: ({ channel, ts }) => dropMessage(channel, ts),
  ephemeral_gone: ({ channel, ts }) => dropMessage(channel, ts),
  views: ({ stack }) => {
    S.stack = stack;
  },
  home: ({ view }) => {
    homesThatCame += 1;
    S.home = view;
  },
  clock: (clock) => setClock(clock),
  state: () => {
    clearTimeout(reloading);
    reloading = setTimeout(() => loadState().then(noticeReset, () => undefined), 60);
  },
  finding: ({ entry }) => {
    S.findings += 1;
    S.newFindings?.(entry);
  },
};

/** A workspace that was reset has empty channels: what this page still holds of them is gone. */
function noticeReset() {
  const gone = S.channels.some((c) => !c.last_ts && [...(S.messages.get(c.id)?.values() ?? [])].some((m) => !m.ephemeral));
  if (!gone) return;
  S.messages.clear();
  messagesChanged();
  refresh();
}

function apply(event) {
  EVENTS[event.type]?.(event);
}

/** Everything that is on the screen, fetched anew: after a (re)connection events may have been missed. */
async function refresh() {
  try {
    await loadState();
    S.windows.clear();
    // A place that this person does not see has nothing to load, and is no reason to stay without a connection.
    const seen = channelOf(S.place.channel);
    await Promise.all([loadViews(), S.place.kind === "home" ? loadHome() : null, seen ? loadChannel(seen.id) : null, seen && S.place.thread ? loadThread(seen.id, S.place.thread) : null]);
    S.online = true;
  } catch (error) {
    toast(error.message, { error: true });
  }
  changed();
}

/** Nothing that comes, or waits to be applied, for whoever looked until now reaches who looks next. */
export function disconnect() {
  stop();
  missed = [];
}

export function connect() {
  stop();
  stop = stream(S.me, {
    onevent: (event) => {
      if (loading) missed.push(event);
      else apply(event);
      changed();
    },
    onopen: refresh,
    onlost: () => {
      S.online = false;
      changed();
    },
  });
}
