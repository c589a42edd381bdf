// How does a person write: a message, a reply, a slash command, with suggestions while typing?
import { post } from "./api.js";
import { avatar } from "./avatar.js";
import { announce, h, icon, morphChildren, toast } from "./dom.js";
import { encodeFile } from "./elements.js";
import { EMOJI, emoji, emojiChoices } from "./emoji.js";
import { openMenu } from "./menus.js";
import { S, channelLabel, channelOf, nameOf } from "./store.js";

const drafts = new Map();
const MAX_FILE = 20 * 1024 * 1024;

/** What could be meant at the caret: [where it begins, the suggestions]. */
function suggestionsAt(text, caret, inThread) {
  const head = text.slice(0, caret);
  const slash = /^\/(\S*)$/.exec(head);
  if (slash && !inThread) return [0, S.commands.filter((c) => c.command.startsWith(head)).map((c) => ({ value: `${c.command} `, exact: c.command, label: c.command, hint: c.usage_hint, description: c.description }))];
  const at = /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(head);
  if (at) {
    const wanted = at[1].toLowerCase();
    const fits = (name) => name.toLowerCase().split(/[\s-]+/).some((part) => part.startsWith(wanted)) || name.toLowerCase().startsWith(wanted);
    const users = [...S.users.values()].filter((u) => !u.deleted && (fits(nameOf(u)) || fits(u.name ?? "")));
    const groups = [...S.groups.values()].filter((g) => fits(g.handle));
    return [caret - at[1].length - 1, [
      ...users.map((u) => ({ value: `@${u.name || nameOf(u)} `, exact: `@${u.name}`, also: `@${nameOf(u)}`, label: nameOf(u), description: u.title, picture: avatar(u, 22) })),
      ...groups.map((g) => ({ value: `@${g.handle} `, exact: `@${g.handle}`, label: `@${g.handle}`, description: g.name })),
      ...["here", "channel"].filter((range) => range.startsWith(wanted)).map((range) => ({ value: `@${range} `, exact: `@${range}`, label: `@${range}`, description: "Everyone in this channel" })),
    ].slice(0, 8)];
  }
  const hash = /(?:^|\s)#([\p{L}\p{N}._-]*)$/u.exec(head);
  if (hash) return [caret - hash[1].length - 1, S.channels.filter((c) => c.kind !== "im" && c.name.startsWith(hash[1].toLowerCase())).slice(0, 8).map((c) => ({ value: `#${c.name} `, exact: `#${c.name}`, label: `#${c.name}`, description: c.topic }))];
  const code = /(?:^|\s):([a-z0-9_+-]{2,})$/.exec(head);
  if (code) return [caret - code[1].length - 1, [...EMOJI.keys()].filter((name) => name.includes(code[1])).slice(0, 8).map((name) => ({ value: `${emoji(name)} `, exact: `:${name}:`, label: [h("span", { class: "emoji" }, emoji(name)), ` :${name}:`] }))];
  return [0, []];
}

/** A composer for one channel or one thread. */
export function composer({ channel, thread = null, id }) {
  const draft = `${channel}/${thread ?? ""}`;
  const label = thread ? "Reply" : `Message ${channelOf(channel)?.kind === "im" ? "" : "#"}${channelLabel(channelOf(channel))}`;
  let files = [];
  let found = [];
  let from = 0;
  let active = 0;
  let sending = Promise.resolve();

  const list = h("div", { class: "suggest", role: "listbox", id: `${id}-list`, "aria-label": "Suggestions", hidden: true });
  const usage = h("div", { class: "usage", id: `${id}-usage`, hidden: true });
  const input = h("textarea", { id, class: "composer-text", rows: "1", placeholder: thread ? "Reply…" : label, "aria-label": label, "aria-autocomplete": "list", "aria-controls": `${id}-list`, "aria-describedby": `${id}-usage`, value: drafts.get(draft) ?? "" });
  const picker = h("input", { type: "file", multiple: true, hidden: true, "aria-label": "Files to attach", tabindex: "-1", onchange: () => attach(picker.files) });
  const chips = h("div", { class: "chips" });
  const send = h("button", { class: "send", type: "button", "aria-label": "Send", title: "Send", onclick: () => submit() }, icon("send", 17));
  const attachButton = h("button", { class: "icon-button", type: "button", "aria-label": "Attach files", title: "Attach files", onclick: () => picker.click() }, icon("plus"));
  const emojiButton = h("button", {
    class: "icon-button", type: "button", "aria-label": "Emoji", title: "Emoji", "aria-haspopup": "listbox", "aria-expanded": "false",
    onclick: () => openMenu(emojiButton, { kind: "listbox", label: "Emoji", columns: 8, items: emojiChoices((picture) => h("span", { class: "emoji" }, picture)), onchoose: ({ value }) => insert(`${emoji(value)} `) }),
  }, icon("smile"));
  const atButton = h("button", { class: "icon-button", type: "button", "aria-label": "Mention somebody", title: "Mention somebody", onclick: () => insert(/\s$|^$/.test(input.value) ? "@" : " @") }, icon("at"));
  const shortcuts = (S.app?.shortcuts ?? []).filter((s) => s.type === "global");
  const shortcutButton = shortcuts.length && !thread && h("button", {
    class: "icon-button", type: "button", "aria-label": "Shortcuts", title: "Shortcuts", "aria-haspopup": "menu", "aria-expanded": "false", "data-align": "left",
    onclick: () => openMenu(shortcutButton, {
      label: "Shortcuts", items: shortcuts.map((s) => ({ value: s.callback_id, label: s.name, description: s.description })),
      onchoose: ({ value }) => post("/control/shortcut", { as: S.me, callback_id: value }).then((answer) => answer?.ok === false && toast(answer.error, { error: true }), (error) => toast(error.message, { error: true })),
    }),
  }, icon("bolt"));
  const box = h("div", { class: "composer" }, list, usage, h("div", { class: "composer-box" }, input, chips, h("div", { class: "composer-tools" }, attachButton, emojiButton, atButton, shortcutButton, h("span", { class: "grow" }), send)), picker);
  box.$label = label;
  box.$focus = () => input.focus({ preventScroll: true });

  function insert(text) {
    input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
    input.focus();
    typed();
  }

  function grow() {
    input.style.height = "auto";
    if (input.scrollHeight) input.style.height = `${Math.min(input.scrollHeight, 240)}px`;
  }

  function typed() {
    drafts.set(draft, input.value);
    grow();
    const before = found.length;
    [from, found] = input.selectionStart === input.selectionEnd ? suggestionsAt(input.value, input.selectionStart, Boolean(thread)) : [0, []];
    active = 0;
    show();
    if (found.length && !before) announce(`${found.length} suggestions`);
    const command = S.commands.find((c) => input.value.startsWith(`${c.command} `));
    usage.hidden = !command || Boolean(thread);
    if (command) morphChildren(usage, [h("strong", {}, command.command), h("span", { class: "muted" }, command.usage_hint ? ` ${command.usage_hint}` : ""), h("span", { class: "usage-text" }, command.description ?? "")]);
    send.classList.toggle("ready", input.value.trim() !== "" || files.length > 0);
  }

  function show() {
    list.hidden = !found.length;
    if (found.length) input.setAttribute("aria-activedescendant", `${id}-s${active}`);
    else input.removeAttribute("aria-activedescendant");
    morphChildren(list, found.map((item, i) => h("div", { class: `suggestion${i === active ? " active" : ""}`, role: "option", id: `${id}-s${i}`, "aria-selected": String(i === active), onpointerdown: (event) => { event.preventDefault(); take(item); } },
      item.picture, h("span", { class: "suggestion-label" }, item.label), item.hint && h("span", { class: "muted" }, item.hint), item.description && h("span", { class: "suggestion-text" }, item.description))));
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }

  function take(item) {
    input.setRangeText(item.value, from, input.selectionStart, "end");
    typed();
    input.focus();
  }

  async function attach(list_) {
    for (const file of list_) {
      if (file.size > MAX_FILE) toast(`${file.name} is larger than 20 MB.`, { error: true });
      else files.push(await encodeFile(file));
    }
    picker.value = "";
    showFiles();
    input.focus();
  }

  function showFiles() {
    morphChildren(chips, files.map((file, i) => h("span", { class: "chip" }, icon("file", 14), file.name, h("button", { class: "icon-button", type: "button", "aria-label": `Remove ${file.name}`, onclick: () => { files.splice(i, 1); showFiles(); } }, icon("close", 12)))));
    send.classList.toggle("ready", input.value.trim() !== "" || files.length > 0);
  }

  function submit() {
    const text = input.value.trim();
    if (!text && !files.length) return;
    if (thread && /^\/\S/.test(text) && S.commands.some((c) => text === c.command || text.startsWith(`${c.command} `))) {
      toast(`${text.split(/\s/)[0]} does not work in threads, as in Slack. Use it in the channel, or mention the app here.`, { error: true });
      return;
    }
    const sent = files;
    input.value = "";
    files = [];
    showFiles();
    typed();
    // One after the other, in the order of typing, however long the first of them takes.
    sending = sending.then(() => deliver(text, sent));
  }

  async function deliver(text, sent) {
    box.setAttribute("aria-busy", "true");
    const command = /^\/[a-z]/i.test(text) && !sent.length;
    try {
      const answer = command ? await post("/control/command", { as: S.me, channel, text }) : await post("/control/post", { as: S.me, channel, thread: thread ?? undefined, text, files: sent.length ? sent : undefined });
      if (answer?.ok === false) toast(answer.error, { error: true });
      if (!command) box.$sent?.();
    } catch (error) {
      toast(error.message, { error: true });
      if (!input.value) {
        input.value = text;
        files = sent;
        showFiles();
        typed();
      }
    } finally {
      box.removeAttribute("aria-busy");
    }
  }

  input.oninput = typed;
  input.onclick = typed;
  input.onblur = () => {
    found = [];
    show();
  };
  input.onpaste = (event) => {
    if (event.clipboardData?.files.length) {
      event.preventDefault();
      attach(event.clipboardData.files);
    }
  };
  input.onkeydown = (event) => {
    if (event.isComposing) return;
    const typedSoFar = input.value.slice(from, input.selectionStart);
    const exact = found.some((item) => item.exact === typedSoFar || item.also === typedSoFar);
    if (found.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      active = (active + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length;
      show();
    } else if (found.length && (event.key === "Tab" || (event.key === "Enter" && !exact && !event.shiftKey))) {
      event.preventDefault();
      take(found[active]);
    } else if (found.length && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      found = [];
      show();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  };
  box.ondragover = (event) => event.preventDefault();
  box.ondrop = (event) => {
    event.preventDefault();
    attach(event.dataTransfer.files);
  };
  requestAnimationFrame(() => {
    grow();
    if (input.value) typed();
  });
  return box;
}
