// How does a rich_text block look? One renderer for each kind of element.
import { h } from "./dom.js";
import { broadcast, channelMention, dateNode, emojiNode, groupMention, link, userMention } from "./mentions.js";
import { S } from "./store.js";

const INLINE = {
  text: (e) => lines(e.text),
  link: (e) => [link(e.url, e.text ?? e.url)],
  user: (e) => [userMention(e.user_id)],
  usergroup: (e) => [groupMention(e.usergroup_id)],
  channel: (e) => [channelMention(e.channel_id)],
  team: () => [h("span", { class: "mention" }, S.team.name)],
  broadcast: (e) => [broadcast(e.range)],
  emoji: (e) => [emojiNode(e.name)],
  date: (e) => [dateNode(e.timestamp, e.format, e.url, e.fallback)],
  color: (e) => [h("span", { class: "swatch", style: { "--swatch": e.value } }), e.value],
};

const STYLES = { code: "code", strike: "s", underline: "u", italic: "em", bold: "strong", highlight: "mark" };

function lines(text) {
  return text.split("\n").flatMap((line, i) => (i ? [h("br"), line] : [line]));
}

function inline(elements) {
  return (elements ?? []).flatMap((element) => {
    let nodes = INLINE[element.type]?.(element) ?? [`[${element.type}]`];
    for (const [style, tag] of Object.entries(STYLES)) if (element.style?.[style]) nodes = [h(tag, tag === "code" ? { class: "code" } : {}, nodes)];
    return nodes;
  });
}

const bullets = ["decimal", "lower-alpha", "lower-roman"];

const PARTS = {
  rich_text_section: (part) => h("div", { class: "rich-section" }, inline(part.elements)),
  rich_text_quote: (part) => h("blockquote", { class: "quote" }, inline(part.elements)),
  rich_text_preformatted: (part) => h("pre", { class: "pre" }, h("code", {}, (part.elements ?? []).map((e) => e.text ?? e.url ?? ""))),
  rich_text_list: (part) => {
    const indent = part.indent ?? 0;
    const ordered = part.style === "ordered";
    return h(
      ordered ? "ol" : "ul",
      {
        class: `rich-list${part.border ? " rich-border" : ""}`,
        start: ordered ? (part.offset ?? 0) + 1 : null,
        style: { "--indent": indent, "list-style-type": ordered ? bullets[indent % 3] : ["disc", "circle", "square"][indent % 3] },
      },
      (part.elements ?? []).map((item) => h("li", {}, inline(item.elements))),
    );
  },
};

export function richText(block) {
  return h("div", { class: "rich" }, (block.elements ?? []).map((part) => PARTS[part.type]?.(part) ?? h("div", { class: "unsupported" }, `Unsupported rich text: ${part.type}`)));
}
