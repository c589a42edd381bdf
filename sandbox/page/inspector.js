// What is really in a message? For the curious and for authors of bots.
import { openDialog } from "./dialogs.js";
import { h, toast } from "./dom.js";

export function json(value) {
  return h("pre", { class: "json", tabindex: "0" }, h("code", {}, JSON.stringify(value, null, 2)));
}

export function inspect(message) {
  const { metadata, ...rest } = message;
  const copy = h("button", { class: "button", type: "button", onclick: () => navigator.clipboard.writeText(JSON.stringify(message, null, 2)).then(() => toast("Copied."), () => toast("The browser did not allow copying.", { error: true })) }, "Copy JSON");
  openDialog({
    title: "Inside this message",
    className: "dialog-wide",
    body: [
      h("p", { class: "muted" }, `Channel ${message.channel}, ts ${message.ts}${message.thread_ts ? `, thread ${message.thread_ts}` : ""}`),
      metadata && [h("h3", {}, "Metadata"), json(metadata)],
      h("h3", {}, "Message"),
      json(rest),
      h("div", { class: "button-row inspect-foot" }, copy),
    ],
  });
}
