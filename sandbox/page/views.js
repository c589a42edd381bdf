// How do modals open, hold what is typed, show what is wrong with it, and close?
import { post } from "./api.js";
import { blocks, domId } from "./blocks.js";
import { takeAway } from "./dialogs.js";
import { announce, h, icon, toast, update } from "./dom.js";
import { closeMenu } from "./menus.js";
import { textObject } from "./mrkdwn.js";
import { S, changed } from "./store.js";
import { collect, forgetContainer, valueOf } from "./values.js";

let dialog = null;
let shown = null;
let before = null;
let errors = {};
let busy = false;
let known = new Set();

const contextOf = (view) => ({
  id: `v${view.id}`,
  container: { type: "view", view_id: view.id },
  blocks: () => view.blocks,
  refresh: changed,
  errors,
  touched: (block) => {
    if (errors[block.block_id]) {
      delete errors[block.block_id];
      changed();
    }
  },
  submit: view.submit || view.blocks?.some((b) => b.type === "input") ? () => submit(view) : undefined,
});

const EMPTY = (value) => value === null || value === undefined || Object.values(value).every((v) => v === null || v === "" || (Array.isArray(v) && !v.length));

/** What the client itself refuses, as Slack's does, before the app is asked. */
function missing(view) {
  const found = {};
  for (const block of view.blocks ?? []) {
    if (block.type !== "input") continue;
    const { element } = block;
    const held = valueOf(contextOf(view), block, element);
    const text = held?.value ?? "";
    if (EMPTY(held)) {
      if (!block.optional) found[block.block_id] = "Please complete this required field.";
    } else if (element.min_length && text.length < element.min_length) found[block.block_id] = `Please type at least ${element.min_length} characters.`;
    else if (element.type === "number_input" && !/^-?\d+(\.\d+)?$/.test(text)) found[block.block_id] = "Please enter a number.";
    else if (element.type === "number_input" && !element.is_decimal_allowed && text.includes(".")) found[block.block_id] = "Please enter a whole number.";
    else if (element.type === "number_input" && element.min_value !== undefined && Number(text) < Number(element.min_value)) found[block.block_id] = `Please enter ${element.min_value} or more.`;
    else if (element.type === "number_input" && element.max_value !== undefined && Number(text) > Number(element.max_value)) found[block.block_id] = `Please enter ${element.max_value} or less.`;
    else if (element.type === "email_text_input" && !/^\S+@\S+\.\S+$/.test(text)) found[block.block_id] = "Please enter an email address.";
    else if (element.type === "url_text_input" && !URL.canParse(text)) found[block.block_id] = "Please enter a full address, such as https://example.com.";
  }
  return found;
}

function showErrors(view, found) {
  errors = { ...found };
  changed();
  queueMicrotask(() => {
    const first = view.blocks.find((block) => found[block.block_id]);
    const label = first && document.getElementById(`${domId({ id: `v${view.id}` }, first)}-label`);
    label?.parentElement.querySelector("input, textarea, button")?.focus();
    announce(Object.values(found).join(" "));
  });
}

async function submit(view) {
  if (busy) return;
  const found = missing(view);
  if (Object.keys(found).length) return showErrors(view, found);
  errors = {};
  busy = true;
  changed();
  try {
    const answer = await post("/control/submit", { as: S.me, view_id: view.id, state: collect(contextOf(view), view.blocks) });
    if (answer.errors) showErrors(view, answer.errors);
    else if (answer.ok === false) toast(answer.error, { error: true });
  } catch (error) {
    toast(error.message, { error: true });
  } finally {
    busy = false;
    changed();
  }
}

async function leave(view) {
  await post("/control/close", { as: S.me, view_id: view.id }).catch((error) => toast(error.message, { error: true }));
}

export function renderViews() {
  const view = S.stack.at(-1);
  const now = new Set(S.stack.map((v) => v.id));
  for (const id of known) if (!now.has(id)) forgetContainer(`v${id}`);
  known = now;
  if (!view) {
    if (dialog) {
      closeMenu({ refocus: false });
      takeAway(dialog, before);
    }
    dialog = shown = null;
    return;
  }
  const fresh = !dialog;
  if (fresh) {
    before = document.activeElement;
    dialog = h("dialog", { class: "dialog modal", "aria-modal": "true", "aria-labelledby": "modal-title" }, h("form", { class: "modal-form", novalidate: true }));
    dialog.oncancel = (event) => {
      event.preventDefault();
      // What is open above the modal closes first, wherever the focus is.
      if (closeMenu()) return;
      const top = S.stack.at(-1);
      if (top) leave(top);
    };
    document.body.append(dialog);
  }
  const changedView = shown !== view.id;
  if (changedView) errors = {};
  shown = view.id;
  const form = dialog.firstElementChild;
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(view);
  };
  const needsSubmit = view.submit || view.blocks?.some((b) => b.type === "input");
  update(form,
    h("header", { class: "dialog-head" }, S.stack.length > 1 && h("button", { class: "icon-button", type: "button", "aria-label": "Back", onclick: () => leave(view) }, icon("back")), h("h2", { id: "modal-title" }, textObject(view.title)), h("button", { class: "icon-button", type: "button", "aria-label": "Close window", title: "Close", onclick: () => leave(view) }, icon("close"))),
    h("div", { class: "dialog-body", key: view.id, tabindex: "-1" }, blocks(view.blocks, contextOf(view))),
    h("footer", { class: "dialog-foot" },
      h("button", { class: "button", type: "button", onclick: () => leave(view) }, view.close ? textObject(view.close) : needsSubmit ? "Cancel" : "Close"),
      needsSubmit && h("button", { class: "button primary", type: "submit", "aria-busy": busy ? "true" : null }, view.submit ? textObject(view.submit) : "Submit")));
  if (fresh) dialog.showModal();
  if (changedView) (form.querySelector("[autofocus]") ?? form.querySelector(".dialog-body input:not([type=hidden]), .dialog-body textarea, .dialog-body .select, .dialog-body button") ?? form.querySelector(".dialog-body")).focus();
}
