// Which place does the address name, and how does one go there?
import { S, changed } from "./store.js";

let moved = () => undefined;
let wantsFocus = null;

export const onMove = (listener) => {
  moved = listener;
};

/** "#/as/U0ANA/C0CHECKOUT/1699.0001" → who looks, and at what. */
export function parse(hash) {
  const [, as = "", place = "", thread = ""] = /^#\/as\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?/.exec(decodeURI(hash)) ?? [];
  return { as, place: place === "home" ? { kind: "home" } : place ? { kind: "channel", channel: place, thread: thread || null } : null };
}

export function hrefOf(place, as = S.me) {
  if (place.kind === "home") return `#/as/${as}/home`;
  return `#/as/${as}/${place.channel}${place.thread ? `/${place.thread}` : ""}`;
}

export function go(place, { focus = null, as } = {}) {
  wantsFocus = focus;
  const href = hrefOf(place, as);
  if (location.hash === href) {
    changed();
    return;
  }
  location.hash = href;
}

export function takeFocus() {
  const wanted = wantsFocus;
  wantsFocus = null;
  return wanted;
}

addEventListener("hashchange", () => moved());
