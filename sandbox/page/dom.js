// How does the page build and update its elements without losing focus, scroll or typed text?

const PROPERTIES = new Set(["value", "checked", "disabled", "indeterminate", "hidden", "readOnly"]);

/** One element: attributes, properties and on… handlers from `props`; strings become text nodes, never markup. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) assign(node, name, value);
  append(node, children);
  return node;
}

function assign(node, name, value) {
  if (name === "key") node.$key = value;
  else if (name.startsWith("on")) {
    node[name] = value;
    (node.$on ??= new Set()).add(name);
  } else if (name === "style") for (const [property, v] of Object.entries(value)) node.style.setProperty(property, v);
  else if (PROPERTIES.has(name)) {
    node[name] = value ?? (name === "value" ? "" : false);
    (node.$set ??= new Set()).add(name);
  }
  else if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) return;
  else node.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
}

export function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === 0 || child === "") continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child);
  }
  return node;
}

/** What `render` draws, or `instead` when it fails: what one app sent must never keep the rest from being drawn. */
export function guarded(render, instead) {
  try {
    return render();
  } catch (error) {
    console.warn(error);
    return instead(error);
  }
}

/** Makes `from` look like `to`, keeping every node that can stay, so that focus, selection and open menus survive. */
function morph(from, to) {
  if (from === to) return from;
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.$key !== to.$key || from.$own || to.$own) {
    from.replaceWith(to);
    return to;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return from;
  }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const name of new Set([...(from.$on ?? []), ...(to.$on ?? [])])) from[name] = to[name] ?? null;
  from.$on = to.$on;
  from.$data = to.$data;
  for (const name of to.$set ?? []) {
    const typing = name === "value" && from === document.activeElement;
    if (!typing && from[name] !== to[name]) from[name] = to[name];
  }
  morphChildren(from, [...to.childNodes]);
  return from;
}

export function morphChildren(parent, wanted) {
  const left = new Set(parent.childNodes);
  const keyed = new Map();
  for (const child of left) if (child.$key !== undefined) keyed.set(child.$key, child);
  const placed = wanted.map((fresh) => {
    const old = fresh.$key !== undefined ? keyed.get(fresh.$key) : firstLike(left, fresh);
    if (!old || !left.has(old)) return [null, fresh];
    left.delete(old);
    return [old, fresh];
  });
  for (const child of left) child.remove();
  let cursor = parent.firstChild;
  for (const [old, fresh] of placed) {
    if (!old) {
      parent.insertBefore(fresh, cursor);
      continue;
    }
    if (old === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(old, cursor);
    morph(old, fresh);
  }
}

function firstLike(nodes, fresh) {
  for (const node of nodes) if (node.$key === undefined && node.nodeName === fresh.nodeName) return node;
  return null;
}

/** Keeps one child per item: only items whose `signature` changed are rendered again. */
export function syncList(parent, items) {
  const old = new Map();
  for (const child of parent.children) if (child.$key !== undefined) old.set(child.$key, child);
  const keep = new Set(items.map((item) => item.key));
  for (const [key, child] of old) if (!keep.has(key)) child.remove();
  let cursor = parent.firstElementChild;
  for (const { key, signature, render } of items) {
    let node = old.get(key);
    if (!node) {
      node = render();
      node.$key = key;
      parent.insertBefore(node, cursor);
    } else {
      if (node === cursor) cursor = cursor.nextElementSibling;
      else parent.insertBefore(node, cursor);
      if (!same(node.$signature, signature)) {
        const fresh = render();
        fresh.$key = key;
        node = morph(node, fresh);
      }
    }
    node.$signature = signature;
  }
}

function same(a, b) {
  return a?.length === b?.length && (a ?? []).every((value, i) => value === b[i]);
}

/** Replaces the content of `parent` by what `children` says, in place. */
export function update(parent, ...children) {
  const box = document.createElement(parent.nodeName);
  append(box, children);
  morphChildren(parent, [...box.childNodes]);
}

const SHAPES = {
  hash: "M7.5 3 6 17M14 3l-1.5 14M3.5 7.5h14M2.5 12.5h14",
  lock: "M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  thread: "M3 4h14v9.5H9L5.5 17v-3.5H3zM6.5 7.5h7M6.5 10.2h4.5",
  smile: "M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15M6.5 11.5c1.6 3 5.4 3 7 0M7.6 7.6v.6M12.4 7.6v.6",
  close: "m5 5 10 10M15 5 5 15",
  back: "M12 4.5 6.5 10l5.5 5.5",
  down: "m5.5 8 4.5 4.5L14.5 8",
  arrow: "M10 4v12M5 11.5l5 5 5-5",
  dots: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  code: "m7 6-4 4 4 4M13 6l4 4-4 4",
  link: "M8.5 11.5a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.2L10.4 5.4M11.5 8.5a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.2l1.1-1.1",
  send: "M3 3.5 17.5 10 3 16.5l1.8-6.5zM5 10h6",
  plus: "M10 4v12M4 10h12",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  file: "M5 2.5h7L16 6.5v11H5zM12 2.5v4h4",
  eye: "M2.5 10S5.5 5 10 5s7.5 5 7.5 5-3 5-7.5 5-7.5-5-7.5-5M10 7.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4",
  bug: "M10 6.5c2.5 0 4 1.8 4 4.5s-1.5 5.5-4 5.5S6 13.7 6 11s1.5-4.5 4-4.5M7.7 6.8a2.3 2.3 0 0 1 4.6 0M2.8 8l3.4 1.7M17.2 8l-3.4 1.7M2.5 12.5H6M14 12.5h3.5M3.5 17l3-2.3M16.5 17l-3-2.3M10 7v9",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5",
  clock: "M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15M10 6v4.2l2.8 1.8",
  search: "M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M13 13l4 4",
  check: "m4 10.5 4 4 8-9",
  warn: "M10 3 18 16.5H2zM10 8v4M10 14.3v.1",
  at: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0v1a2 2 0 0 0 4 0v-1a7 7 0 1 0-3 5.7",
  bolt: "M11 2.5 4.5 11.5h5l-1 6 7-9h-5z",
  calendar: "M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3M13 3v3",
};

/** A line icon; decoration only, so hidden from screen readers. */
export function icon(name, size = 18) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("width", size);
  svg.setAttribute("height", size);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** Tells people who listen instead of look. */
export function announce(text) {
  const live = document.getElementById("live");
  live.append(h("p", {}, text));
  while (live.children.length > 20) live.firstElementChild.remove();
}

const toasts = h("div", { class: "toasts" });

/** A short note at the bottom of the window; errors stay until they are dismissed or 12 s have passed. */
export function toast(text, { error = false } = {}) {
  const note = h("div", { class: error ? "toast toast-error" : "toast", role: error ? "alert" : "status" }, error && icon("warn"), h("span", {}, text),
    h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, icon("close", 14)));
  const home = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  if (toasts.parentNode !== home) home.append(toasts);
  toasts.append(note);
  setTimeout(() => note.remove(), error ? 12000 : 5000);
}
