// How does a file in a message look?
import { h, icon } from "./dom.js";

const UNITS = ["bytes", "KB", "MB", "GB"];

function size(bytes) {
  let n = bytes ?? 0;
  let unit = 0;
  while (n >= 1024 && unit < 3) {
    n /= 1024;
    unit += 1;
  }
  return `${unit && n < 10 ? n.toFixed(1) : Math.round(n)} ${UNITS[unit]}`;
}

const SHORT = 12;

export function attachment(file) {
  const download = h("a", { class: "file-link", href: file.url, download: file.name }, file.title || file.name);
  if (file.mimetype?.startsWith("image/"))
    return h("figure", { class: "file-image" },
      h("figcaption", {}, download, h("span", { class: "muted" }, ` ${size(file.size)}`)),
      h("a", { href: file.url, target: "_blank", rel: "noopener" }, h("img", { src: file.url, alt: file.alt_txt || file.title || file.name, loading: "lazy" })));
  const card = h("div", { class: "file-card" }, h("span", { class: "file-icon" }, icon("file", 22)), h("div", { class: "file-text" }, download, h("span", { class: "muted" }, `${kind(file)} · ${size(file.size)}`)));
  if (!file.preview) return card;
  const lines = file.preview.replace(/\n$/, "").split("\n");
  const body = (from, to) => h("pre", { class: "pre snippet", tabindex: "0", "aria-label": `Preview of ${file.name}` }, h("code", {}, lines.slice(from, to).join("\n")));
  if (lines.length <= SHORT) return h("div", { class: "file-snippet" }, card, body(0, SHORT));
  return h("div", { class: "file-snippet" }, card, h("div", { class: "snippet-short" }, body(0, SHORT)), h("details", { class: "snippet-more" }, h("summary", {}, `All ${lines.length} lines`), body(0)));
}

function kind(file) {
  if (file.mimetype?.startsWith("text/")) return "Plain text";
  return file.name?.includes(".") ? file.name.split(".").at(-1).toUpperCase() : "File";
}
