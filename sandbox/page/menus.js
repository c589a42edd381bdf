// How does a menu or a list of choices open beside what was pressed, and close again?
import { h, icon, morphChildren } from "./dom.js";
import { onChange } from "./store.js";

let open = null;
let serial = 0;

const isOpenFor = (anchor) => open?.anchor === anchor;

/** Whether one was open. */
export function closeMenu({ refocus = true } = {}) {
  if (!open) return false;
  const { box, anchor, stop } = open;
  open = null;
  stop();
  box.remove();
  anchor.setAttribute("aria-expanded", "false");
  anchor.removeAttribute("aria-controls");
  if (refocus && anchor.isConnected) anchor.focus({ preventScroll: true });
  return true;
}

onChange(() => {
  if (!open) return;
  if (!open.anchor.isConnected) closeMenu({ refocus: false });
  else tellOpen();
});

/** What is open, and where, as a screen reader wants to know it; a redrawn anchor has to be told again. */
function tellOpen() {
  open.anchor.setAttribute("aria-expanded", "true");
  open.anchor.setAttribute("aria-controls", open.list);
}

/**
 * Opens a popup at `anchor`. `items`: [{value, label (nodes), text (for search), description, group, danger, selected}].
 * kind "menu" puts the focus on the entries; kind "listbox" has a search box above them; `multi` keeps it open.
 */
export function openMenu(anchor, { kind = "menu", label, items, load, multi = false, columns = 0, onchoose, header }) {
  if (isOpenFor(anchor)) return closeMenu();
  closeMenu({ refocus: false });
  const id = `menu-${++serial}`;
  const list = h("div", { class: "menu-list", role: kind, id: `${id}-list`, "aria-label": label, "aria-multiselectable": kind === "listbox" && multi ? "true" : null, onmousedown: (event) => search && event.preventDefault() });
  const search = kind === "listbox" && h("input", {
    class: "menu-search", type: "text", role: "combobox", placeholder: "Search", "aria-label": `Search ${label}`, "aria-expanded": "true",
    "aria-controls": `${id}-list`, "aria-autocomplete": "list", autocomplete: "off", oninput: () => refill(search.value),
  });
  const box = h("div", { class: `menu menu-${kind}${columns ? " menu-grid" : ""}`, style: columns ? { "--columns": columns } : {}, popover: "manual" }, header, search && h("div", { class: "menu-searchbox" }, icon("search", 16), search), list);
  let shown = [];
  let active = -1;

  const choose = (item) => {
    if (multi) {
      item.selected = !item.selected;
      onchoose(item);
      fill(shown);
      return;
    }
    closeMenu();
    onchoose(item);
  };

  const entry = (item, index) =>
    h("div", {
      key: `o${item.value}`, id: `${id}-${index}`, class: `menu-item${item.danger ? " danger" : ""}${kind === "listbox" && index === active ? " active" : ""}`,
      "aria-label": item.name ?? null, title: item.name, role: kind === "menu" ? (item.checked === undefined ? "menuitem" : "menuitemradio") : "option", tabindex: kind === "menu" ? "-1" : null,
      "aria-selected": kind === "listbox" ? String(Boolean(item.selected)) : null,
      "aria-checked": item.checked === undefined ? null : String(item.checked),
      onclick: () => choose(item),
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          choose(item);
        }
      },
    }, item.avatar, h("span", { class: "menu-text" }, h("span", { class: "menu-label" }, item.label), item.description && h("span", { class: "menu-description" }, item.description)),
    (item.selected || item.checked) && icon("check", 16));

  function fill(wanted) {
    shown = wanted;
    if (kind === "listbox" && (active < 0 || active >= shown.length)) active = shown.length ? Math.max(0, shown.findIndex((i) => i.selected)) : -1;
    const nodes = [];
    let group = null;
    shown.forEach((item, index) => {
      if (item.group && item.group !== group) nodes.push(h("div", { class: "menu-group", role: "presentation" }, item.group));
      group = item.group;
      nodes.push(entry(item, index));
    });
    if (!shown.length) nodes.push(h("div", { class: "menu-empty", role: "presentation" }, "Nothing found"));
    morphChildren(list, nodes);
    mark();
  }

  function mark() {
    if (!search) return;
    search.setAttribute("aria-activedescendant", active >= 0 ? `${id}-${active}` : "");
    [...list.querySelectorAll("[role=option]")].forEach((node, i) => node.classList.toggle("active", i === active));
    list.querySelectorAll("[role=option]")[active]?.scrollIntoView({ block: "nearest" });
  }

  let latest = 0;
  async function refill(query) {
    const mine = ++latest;
    active = 0;
    if (load) {
      list.setAttribute("aria-busy", "true");
      const found = await load(query).catch(() => []);
      if (mine !== latest || open?.box !== box) return;
      list.removeAttribute("aria-busy");
      fill(found);
    } else {
      const wanted = query.trim().toLowerCase();
      fill(items.filter((item) => (item.text ?? "").toLowerCase().includes(wanted)));
    }
    place();
  }

  function place() {
    const at = anchor.getBoundingClientRect();
    const size = box.getBoundingClientRect();
    const below = innerHeight - at.bottom - 12;
    const above = at.top - 12;
    const up = below < size.height && above > below;
    box.style.maxHeight = `${Math.max(120, up ? above : below)}px`;
    const height = Math.min(size.height, up ? above : below);
    const left = anchor.dataset.align === "left" || kind === "listbox" ? at.left : at.right - size.width;
    box.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
    box.style.top = `${up ? at.top - height - 4 : at.bottom + 4}px`;
  }

  box.onkeydown = (event) => {
    const entries = [...list.querySelectorAll(kind === "menu" ? "[role^=menuitem]" : "[role=option]")];
    const step = columns ? { ArrowDown: columns, ArrowUp: -columns, ArrowRight: 1, ArrowLeft: -1 }[event.key] : { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      if (event.key === "Escape") event.preventDefault();
      event.stopPropagation();
      closeMenu();
    } else if (step && entries.length) {
      event.preventDefault();
      if (kind === "menu") {
        const at = entries.indexOf(document.activeElement);
        entries[(at + step + entries.length) % entries.length].focus();
      } else {
        active = (active + step + entries.length) % entries.length;
        mark();
      }
    } else if (kind === "menu" && (event.key === "Home" || event.key === "End")) {
      event.preventDefault();
      entries.at(event.key === "Home" ? 0 : -1)?.focus();
    } else if (kind === "listbox" && event.key === "Enter") {
      event.preventDefault();
      if (shown[active]) choose(shown[active]);
    } else if (kind === "menu" && event.key.length === 1) {
      const match = entries.find((node) => node.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
      match?.focus();
    }
  };

  const outside = (event) => {
    if (!box.contains(event.target) && !anchor.contains(event.target)) closeMenu({ refocus: false });
  };
  document.addEventListener("pointerdown", outside, true);
  addEventListener("scroll", place, true);
  addEventListener("resize", place);
  const stop = () => {
    document.removeEventListener("pointerdown", outside, true);
    removeEventListener("scroll", place, true);
    removeEventListener("resize", place);
  };

  (anchor.closest("dialog") ?? document.body).append(box);
  box.showPopover();
  open = { box, anchor, stop, list: list.id };
  tellOpen();
  if (kind === "listbox") box.style.minWidth = `${Math.max(220, anchor.offsetWidth)}px`;
  if (load && !items) refill("");
  else fill(items);
  place();
  if (search) search.focus();
  else list.querySelector("[aria-checked=true], [role^=menuitem]")?.focus();
}
