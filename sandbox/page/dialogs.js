// How does the page ask a person something before it goes on?
import { h, icon } from "./dom.js";
import { closeMenu } from "./menus.js";
import { textObject } from "./mrkdwn.js";

let serial = 0;

/** Takes a dialog away and gives the keyboard back to where it was: the caret too, which Chromium leaves in what is gone. */
export function takeAway(dialog, before) {
  dialog.close();
  dialog.remove();
  document.activeElement?.blur();
  if (before?.isConnected) before.focus({ preventScroll: true });
}

/** A modal window; the browser's own dialog keeps the focus inside and the rest of the page inert. */
export function openDialog({ title, body, actions = [], role = "dialog", className = "", onclose }) {
  closeMenu({ refocus: false });
  const before = document.activeElement;
  const id = `dialog-${++serial}`;
  const dialog = h("dialog", { class: `dialog ${className}`, role, "aria-labelledby": id, "aria-modal": "true" });
  const close = (answer) => {
    if (!dialog.isConnected) return;
    takeAway(dialog, before);
    onclose?.(answer);
  };
  dialog.append(
    h("header", { class: "dialog-head" }, h("h2", { id }, title), h("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: () => close(null) }, icon("close"))),
    h("div", { class: "dialog-body", tabindex: "-1" }, body),
    actions.length
      ? h("footer", { class: "dialog-foot" }, actions.map((a) => h("button", { class: `button ${a.style ?? ""}`, type: "button", autofocus: a.autofocus, onclick: () => close(a.value) }, a.label)))
      : "",
  );
  dialog.oncancel = (event) => {
    event.preventDefault();
    close(null);
  };
  dialog.onclick = (event) => event.target === dialog && close(null);
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close };
}

/** Block Kit's confirm object; resolves to whether the person agreed. */
export function confirmed(confirm) {
  if (!confirm) return Promise.resolve(true);
  return new Promise((resolve) => {
    openDialog({
      role: "alertdialog",
      className: "dialog-small",
      title: confirm.title ? textObject(confirm.title) : "Are you sure?",
      body: textObject(confirm.text),
      actions: [
        { label: confirm.deny ? textObject(confirm.deny) : "Cancel", value: false },
        { label: confirm.confirm ? textObject(confirm.confirm) : "Yes", value: true, style: confirm.style === "danger" ? "danger" : "primary", autofocus: true },
      ],
      onclose: (answer) => resolve(answer === true),
    });
  });
}
