// What does the markdown block (ordinary Markdown, the part Slack renders) mean? Text in, nodes out.
import { h } from "./dom.js";
import { link } from "./mentions.js";
import { plain } from "./mrkdwn.js";

const INLINE = [
  [/^`([^`\n]+)`/, (m) => h("code", { class: "code" }, m[1])],
  [/^!\[([^\]]*)\]\((\S+?)\)/, (m) => link(m[2], m[1] || m[2])],
  [/^\[([^\]]+)\]\((\S+?)\)/, (m) => link(m[2], h("span", {}, inline(m[1])))],
  [/^(?:\*\*|__)(?=\S)([\s\S]+?)(?<=\S)(?:\*\*|__)/, (m) => h("strong", {}, inline(m[1]))],
  [/^~~([\s\S]+?)~~/, (m) => h("s", {}, inline(m[1]))],
  [/^\*(?=\S)([^*\n]+?)(?<=\S)\*/, (m) => h("em", {}, inline(m[1]))],
  [/^_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)/, (m) => h("em", {}, inline(m[1]))],
  [/^https?:\/\/[^\s<>()]*[^\s<>().,;:!?]/, (m) => link(m[0])],
];

function inline(text) {
  const nodes = [];
  let run = "";
  for (let i = 0; i < text.length; ) {
    const hit = INLINE.map(([pattern, make]) => [pattern.exec(text.slice(i)), make]).find(([match]) => match);
    if (hit && !(/^[_h]/.test(text[i]) && /\w/.test(text[i - 1] ?? ""))) {
      nodes.push(...plain(run), hit[1](hit[0]));
      run = "";
      i += hit[0][0].length;
    } else run += text[i++];
  }
  return [...nodes, ...plain(run)];
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((c) => c.trim());

export function markdown(text) {
  const nodes = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const while_ = (pattern) => {
      const from = i;
      while (i + 1 < lines.length && pattern.test(lines[i + 1])) i += 1;
      return lines.slice(from, i + 1);
    };
    if (/^```/.test(line)) {
      const from = i + 1;
      while (i + 1 < lines.length && !/^```/.test(lines[i + 1])) i += 1;
      nodes.push(h("pre", { class: "pre" }, h("code", {}, lines.slice(from, i + 1).join("\n"))));
      i += 1;
    } else if (heading) nodes.push(h("div", { class: `md-h md-h${heading[1].length}`, role: "heading", "aria-level": String(Math.min(6, heading[1].length + 2)) }, inline(heading[2])));
    else if (/^(-{3,}|\*{3,})\s*$/.test(line)) nodes.push(h("hr", { class: "b-divider" }));
    else if (/^>\s?/.test(line)) nodes.push(h("blockquote", { class: "quote" }, while_(/^>\s?/).map((l, n) => [n ? h("br") : "", inline(l.replace(/^>\s?/, ""))])));
    else if (/^\s*[-*+]\s+/.test(line)) nodes.push(h("ul", { class: "rich-list" }, while_(/^\s*[-*+]\s+/).map((l) => h("li", { style: { "--indent": Math.floor(/^\s*/.exec(l)[0].length / 2) } }, inline(l.replace(/^\s*[-*+]\s+(\[[ x]\] )?/, (m) => (/\[x\]/.test(m) ? "☑ " : /\[ \]/.test(m) ? "☐ " : "")))))));
    else if (/^\s*\d+[.)]\s+/.test(line)) nodes.push(h("ol", { class: "rich-list", start: /\d+/.exec(line)[0] }, while_(/^\s*\d+[.)]\s+/).map((l) => h("li", {}, inline(l.replace(/^\s*\d+[.)]\s+/, ""))))));
    else if (line.includes("|") && /^[\s|:-]+$/.test(lines[i + 1] ?? "") && lines[i + 1].includes("-")) {
      const rows = while_(/\|/).filter((_row, n) => n !== 1).map(cells);
      nodes.push(h("div", { class: "b-table", role: "region", "aria-label": "Table", tabindex: "0" }, h("table", {}, h("thead", {}, h("tr", {}, rows[0].map((c) => h("th", {}, inline(c))))), h("tbody", {}, rows.slice(1).map((r) => h("tr", {}, r.map((c) => h("td", {}, inline(c)))))))));
    } else if (line.trim()) nodes.push(h("p", { class: "md-p" }, while_(/^(?!\s*$|#|>|```|\s*[-*+]\s|\s*\d+[.)]\s).+/).map((l, n) => [n ? h("br") : "", inline(l)])));
  }
  return nodes;
}
