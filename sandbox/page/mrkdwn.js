// What does Slack's mrkdwn mean? Text in, nodes out; every piece of data becomes a text node.
import { guarded, h } from "./dom.js";
import { SHORT_CODE } from "./emoji.js";
import { broadcast, channelMention, dateNode, emojiNode, groupMention, link, userMention } from "./mentions.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const unescape = (text) => text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const EMPHASIS = { "*": "strong", _: "em", "~": "s" };
const AUTOLINK = /^https?:\/\/(?:(?!&[lg]t;)[^\s<>|])*(?!&[lg]t;)[^\s<>|.,;:!?)'"\]]/;
const WORD = /[\p{L}\p{N}]/u;

/** Nodes for a mrkdwn text. `verbatim` keeps bare addresses from becoming links. */
export function mrkdwn(text, { verbatim = false } = {}) {
  const nodes = [];
  const pieces = String(text ?? "").split(/```\n?([\s\S]*?)```\n?/);
  pieces.forEach((piece, i) => {
    if (i % 2) nodes.push(h("pre", { class: "pre" }, h("code", {}, inline(piece.replace(/\n$/, ""), { literal: true }))));
    else if (piece) nodes.push(...paragraphs(piece.replace(i < pieces.length - 1 ? /\n$/ : /$^/, ""), verbatim));
  });
  return nodes;
}

function paragraphs(text, verbatim) {
  const nodes = [];
  let plain = [];
  let quoted = [];
  const flush = () => {
    if (plain.length) nodes.push(...inline(plain.join("\n"), { verbatim }));
    if (quoted.length) nodes.push(h("blockquote", { class: "quote" }, inline(quoted.join("\n"), { verbatim })));
    plain = [];
    quoted = [];
  };
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const deep = /^(?:&gt;|>){3} ?/.exec(lines[i]);
    const mark = /^(?:&gt;|>) ?/.exec(lines[i]);
    if (deep) {
      if (plain.length) flush();
      quoted.push(lines[i].slice(deep[0].length), ...lines.slice(i + 1));
      break;
    }
    if (mark) {
      if (plain.length) flush();
      quoted.push(lines[i].slice(mark[0].length));
    } else {
      if (quoted.length) flush();
      plain.push(lines[i]);
    }
  }
  flush();
  return nodes;
}

function inline(text, { verbatim = false, literal = false } = {}) {
  const nodes = [];
  let run = "";
  const flush = () => {
    if (run) nodes.push(document.createTextNode(unescape(run)));
    run = "";
  };
  const put = (node) => {
    flush();
    nodes.push(node);
  };
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i, i + 3100);
    const before = i ? text[i - 1] : "";
    const char = text[i];
    if (char === "<") {
      const token = /^<([^<>\n]+)>/.exec(rest);
      const node = token && entity(token[1], literal);
      if (node) {
        put(node);
        i += token[0].length;
        continue;
      }
    }
    if (!literal) {
      if (char === "\n") {
        put(h("br"));
        i += 1;
        continue;
      }
      const code = char === "`" && /^`([^`\n]+)`/.exec(rest);
      if (code) {
        put(h("code", { class: "code" }, inline(code[1], { literal: true })));
        i += code[0].length;
        continue;
      }
      const end = EMPHASIS[char] && !WORD.test(before) ? closing(text, i) : -1;
      if (end > 0) {
        put(h(EMPHASIS[char], {}, inline(text.slice(i + 1, end), { verbatim })));
        i = end + 1;
        continue;
      }
      const code_ = char === ":" && SHORT_CODE.exec(rest);
      if (code_) {
        put(emojiNode(code_[1]));
        i += code_[0].length;
        continue;
      }
      const url = char === "h" && !verbatim && !WORD.test(before) && AUTOLINK.exec(rest);
      if (url) {
        put(link(unescape(url[0])));
        i += url[0].length;
        continue;
      }
    }
    run += char;
    i += 1;
  }
  flush();
  return nodes;
}

/** Where the emphasis that opens at `start` ends; -1 when it is only a sign. */
function closing(text, start) {
  const mark = text[start];
  if (/[\s]/.test(text[start + 1] ?? " ") || text[start + 1] === mark) return -1;
  for (let i = start + 1; i < text.length && text[i] !== "\n"; i++) {
    if (text[i] === "<" || text[i] === "`") {
      const skip = text[i] === "<" ? text.indexOf(">", i) : text.indexOf("`", i + 1);
      if (skip > 0) i = skip;
    } else if (text[i] === mark && !/\s/.test(text[i - 1]) && !WORD.test(text[i + 1] ?? "")) return i;
  }
  return -1;
}

function entity(body, literal) {
  const cut = body.indexOf("|");
  const [target, label] = cut < 0 ? [body, null] : [body.slice(0, cut), unescape(body.slice(cut + 1))];
  if (/^@[UW]/.test(target)) return userMention(target.slice(1), label);
  if (/^#[CG]/.test(target)) return channelMention(target.slice(1), label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), label);
  if (/^!(here|channel|everyone)$/.test(target)) return broadcast(target.slice(1));
  if (target.startsWith("!date^")) {
    const [, seconds, format, url] = target.split("^");
    return dateNode(Number(seconds), unescape(format ?? ""), url && unescape(url), label);
  }
  if (target.startsWith("!")) return document.createTextNode(label ?? target);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  const url = unescape(target);
  if (literal || !label) return link(url, label ?? url.replace(/^mailto:/, ""));
  return link(url, h("span", {}, inline(body.slice(cut + 1), { verbatim: true })));
}

/** A plain_text: only emoji codes have a meaning. */
export function plain(text, withEmoji = true) {
  const nodes = [];
  let run = "";
  for (let i = 0; i < text.length; ) {
    const code = withEmoji && text[i] === ":" && SHORT_CODE.exec(text.slice(i, i + 80));
    if (code) {
      if (run) nodes.push(document.createTextNode(run));
      run = "";
      nodes.push(emojiNode(code[1]));
      i += code[0].length;
    } else run += text[i++];
  }
  if (run) nodes.push(document.createTextNode(run));
  return nodes;
}

/** A Block Kit text object of either type. */
export function textObject(text) {
  if (!text) return [];
  return text.type === "mrkdwn" ? mrkdwn(text.text, { verbatim: text.verbatim }) : plain(text.text ?? "", text.emoji !== false);
}

/** The words alone, for labels and announcements. */
export function words(text, limit = 160) {
  const box = h("div", {}, guarded(() => mrkdwn(text ?? ""), () => text));
  for (const br of box.querySelectorAll("br")) br.replaceWith(" ");
  const all = box.textContent.replace(/\s+/g, " ").trim();
  return all.length > limit ? `${all.slice(0, limit - 1)}…` : all;
}
