// What stands on the right: a thread, or what the bot did wrong?
import { composer } from "./composer.js";
import { h, icon, toast, update } from "./dom.js";
import { makeFeed } from "./feed.js";
import { loadThread } from "./live.js";
import { go, hrefOf, takeFocus } from "./route.js";
import { S, changed, channelLabel, channelOf, isMember, threadMessages } from "./store.js";
import { renderTools } from "./tools.js";

const root = document.getElementById("pane");
const splitter = document.getElementById("splitter");
const head = h("header", { class: "place-head" });
const body = h("div", { class: "place-body" });
const foot = h("div", { class: "place-foot" });
root.append(head, body, foot);
let shown = "";
let feed = null;

function close() {
  if (S.pane) {
    S.pane = null;
    changed();
  } else go({ kind: "channel", channel: S.place.channel, thread: null }, { focus: "message" });
}

const closer = () => h("button", { class: "icon-button", type: "button", "aria-label": "Close", title: "Close", onclick: close }, icon("close"));

function renderThread(channel) {
  const key = `${S.me}/${channel.id}/${S.place.thread}`;
  if (shown !== key) {
    shown = key;
    feed = makeFeed("Thread");
    body.replaceChildren(feed.box);
    const box = isMember(channel) && !channel.archived ? composer({ channel: channel.id, thread: S.place.thread, id: "reply" }) : null;
    if (box) box.$sent = () => feed?.toEnd();
    foot.replaceChildren(...(box ? [box] : []));
    if (takeFocus() === "reply") box?.$focus();
  }
  const known = S.windows.get(`${channel.id}/${S.place.thread}`);
  if (S.online && !known) loadThread(channel.id, S.place.thread).catch((error) => toast(error.message, { error: true }));
  update(head, h("h2", { class: "place-name" }, "Thread"), h("a", { class: "topic", href: hrefOf({ kind: "channel", channel: channel.id }) }, channel.kind === "im" ? channelLabel(channel) : `# ${channel.name}`), h("span", { class: "grow" }), closer());
  feed.show(() => threadMessages(channel.id, S.place.thread), { inThread: true, busy: !known });
}

export function renderPane() {
  const channel = channelOf(S.place.channel);
  const thread = S.place.kind === "channel" && S.place.thread && channel;
  const visible = Boolean(S.pane || thread);
  root.hidden = !visible;
  document.getElementById("app").classList.toggle("with-pane", visible);
  if (!visible) {
    shown = "";
    feed = null;
    body.replaceChildren();
    foot.replaceChildren();
    return;
  }
  if (S.pane === "tools") {
    if (shown !== "tools") {
      body.replaceChildren();
      foot.replaceChildren();
      feed = null;
    }
    shown = "tools";
    root.setAttribute("aria-label", "What the bot did wrong");
    update(head, h("h2", { class: "place-name" }, "What the bot did wrong"), h("span", { class: "grow" }), closer());
    renderTools(body);
    return;
  }
  root.setAttribute("aria-label", "Thread");
  renderThread(channel);
}

root.onkeydown = (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) {
    event.preventDefault();
    close();
  }
};

/** The side pane's width: dragged, or moved with the arrow keys. */
function widen(width) {
  const wide = Math.round(Math.max(380, Math.min(width, innerWidth * 0.62)));
  document.documentElement.style.setProperty("--pane", `${wide}px`);
  splitter.setAttribute("aria-valuenow", String(wide));
}
splitter.setAttribute("aria-valuemin", "380");
splitter.setAttribute("aria-valuemax", "1200");
splitter.setAttribute("aria-valuenow", "560");
splitter.onpointerdown = (event) => {
  splitter.setPointerCapture(event.pointerId);
  splitter.onpointermove = (e) => widen(innerWidth - e.clientX);
};
splitter.onpointerup = () => {
  splitter.onpointermove = null;
};
splitter.onkeydown = (event) => {
  const step = { ArrowLeft: 24, ArrowRight: -24 }[event.key];
  if (step) widen(root.offsetWidth + step);
};
