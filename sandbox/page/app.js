// How does the page start, and what is drawn again when something changed?
import { renderMain } from "./channel.js";
import { announce, guarded, toast } from "./dom.js";
import { connect, disconnect, loadState } from "./live.js";
import { renderPane } from "./pane.js";
import { hrefOf, onMove, parse } from "./route.js";
import { renderSidebar, toggleSidebar } from "./sidebar.js";
import { S, changed, channelLabel, channelOf, isMember, me, nameOf, onChange } from "./store.js";
import { renderTopbar, setTheme } from "./topbar.js";
import { renderViews } from "./views.js";

const remembered = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

function firstChannel() {
  const mine = S.channels.filter((c) => c.kind !== "im" && isMember(c) && !c.archived);
  return (mine[0] ?? S.channels[0])?.id ?? "";
}

function render() {
  const where = S.place.kind === "home" ? S.app?.name : channelLabel(channelOf(S.place.channel));
  const unread = S.channels.reduce((sum, c) => sum + (c.mentions ?? 0), 0);
  document.title = `${unread ? `(${unread}) ` : ""}${where ? `${where} · ` : ""}${S.team.name || "Sandbox"}`;
  // A part that cannot be drawn leaves the others alone.
  for (const part of [renderTopbar, renderSidebar, renderMain, renderPane, renderViews]) guarded(part, (error) => toast(`A part of this page cannot be drawn: ${error.message}`, { error: true }));
}

/** Becomes the person the address names, and goes to the place it names. */
async function move() {
  const { as, place: asked } = parse(location.hash);
  let place = asked;
  // Whoever goes somewhere wants to see it, and on a phone the drawer lies over it.
  toggleSidebar(false);
  if (as && as !== S.me) {
    const talk = channelOf(place?.channel);
    if (talk?.kind === "im") S.place = { kind: "channel", channel: "", thread: null };
    await become(as);
    if (talk?.kind === "im" && !channelOf(talk.id)) {
      place = theirOwn(talk);
      history.replaceState(null, "", hrefOf(place));
    }
  }
  if (place) {
    S.place = place;
    if (place.thread) S.pane = null;
  } else if (!channelOf(S.place.channel)) S.place = { kind: "channel", channel: firstChannel(), thread: null };
  if (!place) history.replaceState(null, "", hrefOf(S.place));
  changed();
}

/** What somebody else sees in the place of a conversation that is not theirs: their own with the app, or a channel. */
function theirOwn(talk) {
  const own = S.channels.find((c) => c.kind === "im" && c.partner === talk.partner && talk.partner === S.app?.bot_user_id);
  return { kind: "channel", channel: own?.id ?? firstChannel(), thread: null };
}

async function become(as) {
  S.online = false;
  disconnect();
  try {
    await loadState(as);
    S.me = as || S.me;
    // Not before: an answer that was on its way to the other person has come by now, or is dropped.
    S.messages.clear();
    S.windows.clear();
    S.unreadLine.clear();
    S.hidden.clear();
    S.stack = [];
    S.home = undefined;
  } catch (error) {
    if (!as) throw error;
    await loadState("");
  }
  if (!me()) S.me = [...S.users.values()].find((u) => !u.is_bot && !u.deleted)?.id ?? "";
  try {
    localStorage.setItem("as", S.me);
  } catch {
    // A browser without storage simply forgets who acted last.
  }
  connect();
  if (as) announce(`Acting as ${nameOf(me())}`);
}

async function start() {
  setTheme(remembered("theme"));
  onChange(render);
  const { as } = parse(location.hash);
  try {
    await become(as || remembered("as") || "");
  } catch (error) {
    toast(error.message, { error: true });
    setTimeout(start, 3000);
    return;
  }
  onMove(() => move().catch((error) => toast(error.message, { error: true })));
  await move();
}

document.addEventListener("visibilitychange", changed);
start();
