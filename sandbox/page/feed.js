// How does a list of messages stay where the reader is while it changes?
import { h, icon } from "./dom.js";
import { listKeys, syncMessages } from "./messages.js";
import { S, now, revision, tz } from "./store.js";

const NEAR = 60;

/** A scrolling list of messages; `older` is called when the reader comes near its beginning. */
export function makeFeed(label, { older } = {}) {
  const inner = h("div", { class: "feed-inner", role: "group", "aria-label": label, onkeydown: listKeys });
  const jump = h("button", { class: "jump", type: "button", hidden: true, onclick: () => toEnd() }, icon("arrow", 15), "New messages");
  const scroller = h("div", { class: "feed", tabindex: "-1" }, inner);
  const box = h("div", { class: "feed-box" }, scroller, jump);
  let count = 0;
  let stuck = true;

  const toEnd = () => {
    scroller.scrollTop = scroller.scrollHeight;
    stuck = true;
    jump.hidden = true;
  };
  scroller.onscroll = () => {
    stuck = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    if (stuck) jump.hidden = true;
    if (scroller.scrollTop < 300) older?.();
  };
  new ResizeObserver(() => stuck && toEnd()).observe(inner);
  new ResizeObserver(() => stuck && toEnd()).observe(scroller);

  /** The first message in sight, and where it stands. */
  const anchor = () => {
    const top = scroller.getBoundingClientRect().top;
    for (const node of inner.children) {
      const at = node.getBoundingClientRect();
      if (at.bottom > top && node.dataset.ts) return [node, at.top];
    }
    return null;
  };

  let seen = [];
  /** `list` gives the messages; it is asked only when something that they show may have changed. */
  const show = (list, options = {}) => {
    const now_ = [revision, S.users, tz(), Math.floor(now() / 60), options.unreadFrom, options.busy, ...(options.head ?? []).flatMap(([, signature]) => signature)];
    if (now_.length === seen.length && now_.every((value, i) => value === seen[i])) return;
    seen = now_;
    const messages = list();
    const held = stuck ? null : anchor();
    syncMessages(inner, messages, options);
    inner.setAttribute("aria-busy", String(Boolean(options?.busy)));
    if (stuck) toEnd();
    else if (held?.[0].isConnected) scroller.scrollTop += held[0].getBoundingClientRect().top - held[1];
    const last = messages.at(-1)?.ts ?? "";
    if (!stuck && count && last > count) jump.hidden = false;
    count = last;
  };
  return { box, show, toEnd, toStart: () => { stuck = false; scroller.scrollTop = 0; } };
}
