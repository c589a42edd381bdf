// How does each Block Kit block look? One renderer per type, in one table.
import { guarded, h, icon } from "./dom.js";
import { chart } from "./charts.js";
import { element } from "./elements.js";
import { attachment } from "./files.js";
import { markdown } from "./markdown.js";
import { link } from "./mentions.js";
import { plain, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const text = (object, className = "text") => h("div", { class: className }, textObject(object));

function section(block, ctx) {
  return h("div", { class: "b-section" },
    h("div", { class: "b-section-main" },
      block.text && text(block.text),
      block.fields && h("div", { class: "b-fields" }, block.fields.map((field) => text(field)))),
    block.accessory && h("div", { class: `b-accessory a-${block.accessory.type}` }, element(block.accessory, ctx, block)));
}

function context(block) {
  return h("div", { class: "b-context" }, block.elements.map((part) =>
    part.type === "image" ? h("img", { class: "context-image", src: part.image_url ?? part.slack_file?.url, alt: part.alt_text ?? "" }) : text(part, "context-text")));
}

function input(block, ctx) {
  const id = domId(ctx, block);
  const error = ctx.errors?.[block.block_id];
  const own = { ...ctx, labelId: `${id}-label`, describedBy: [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" "), error: Boolean(error), required: !block.optional };
  return h("div", { class: `b-input${error ? " has-error" : ""}` },
    h("div", { class: "input-label", id: `${id}-label` }, textObject(block.label), block.optional && h("span", { class: "optional" }, " (optional)")),
    element(block.element, own, block),
    error && h("div", { class: "input-error", id: `${id}-error` }, icon("warn", 14), h("span", {}, error)),
    block.hint && h("div", { class: "hint", id: `${id}-hint` }, textObject(block.hint)));
}

export const domId = (ctx, block) => `${ctx.copy ?? ""}${ctx.id}-${block.block_id}`.replace(/[^\w-]/g, "_");

function image(block) {
  return h("figure", { class: "b-image" },
    block.title && h("figcaption", {}, textObject(block.title)),
    h("a", { href: block.image_url ?? block.slack_file?.url, target: "_blank", rel: "noopener" }, h("img", { src: block.image_url ?? block.slack_file?.url, alt: block.alt_text ?? "", loading: "lazy" })));
}

function cell(data) {
  if (data?.type === "rich_text") return richText(data);
  if (data?.type === "raw_number") return String(data.text ?? data.value ?? data.number ?? "");
  return plain(String(data?.text ?? ""));
}

/** A data table: its first row names the columns, one column may name the rows. */
function dataTable(block) {
  const [head = [], ...rows] = block.rows ?? [];
  const numeric = head.map((_cell, i) => rows.length > 0 && rows.every((row) => row[i]?.type === "raw_number"));
  const style = (i) => (numeric[i] ? "align-right" : "align-left");
  return h("div", { class: "b-table b-data", role: "region", "aria-label": block.caption ?? "Table", tabindex: "0" },
    h("table", {},
      block.caption && h("caption", {}, block.caption),
      h("thead", {}, h("tr", {}, head.map((data, i) => h("th", { class: style(i), scope: "col" }, cell(data))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((data, i) => (i === block.row_header_column_index ? h("th", { scope: "row" }, cell(data)) : h("td", { class: style(i) }, cell(data)))))))));
}

function container(block, ctx) {
  const title = block.rich_text_title ? richText(block.rich_text_title) : block.title && h("strong", {}, textObject(block.title));
  const subtitle = block.subtitle && text(block.subtitle, "muted");
  const inside = blocks(block.child_blocks, ctx);
  if (!block.is_collapsible) return h("div", { class: "b-card" }, title, subtitle, block.has_header_divider && h("hr", { class: "b-divider" }), inside);
  return h("details", { class: "b-card", open: !block.default_collapsed }, h("summary", {}, title ?? "Details"), subtitle, inside);
}

function table(block) {
  const [head = [], ...rows] = block.rows ?? [];
  const style = (i) => `align-${block.column_settings?.[i]?.align ?? "left"}${block.column_settings?.[i]?.is_wrapped ? " wrapped" : ""}`;
  return h("div", { class: "b-table", role: "region", "aria-label": "Table", tabindex: "0" },
    h("table", {},
      h("thead", {}, h("tr", {}, head.map((data, i) => h("th", { class: style(i), scope: "col" }, cell(data))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((data, i) => h("td", { class: style(i) }, cell(data))))))));
}

function video(block) {
  return h("div", { class: "b-card" },
    block.title_url ? link(block.title_url, block.title?.text) : h("strong", {}, textObject(block.title)),
    block.description && text(block.description, "muted"),
    h("a", { href: block.title_url ?? block.video_url, target: "_blank", rel: "noopener noreferrer", class: "b-image" }, h("img", { src: block.thumbnail_url, alt: block.alt_text ?? "" })));
}

const LEVELS = { default: "ℹ️", info: "ℹ️", warning: "⚠️", error: "❌", success: "✅" };
const STATUSES = { pending: ["⏳", "Pending"], in_progress: ["🔄", "In progress"], complete: ["✅", "Complete"], error: ["❌", "Error"] };

function taskCard(block) {
  const [sign, word] = STATUSES[block.status] ?? STATUSES.pending;
  return h("div", { class: "b-card" },
    h("div", {}, h("span", { role: "img", "aria-label": word }, sign), " ", h("strong", {}, block.title)),
    block.details && richText(block.details),
    block.output && richText(block.output),
    block.sources && h("div", { class: "muted" }, block.sources.map((source, i) => [i ? " · " : "", link(source.url, source.text ?? source.url)])));
}

function card(block, ctx) {
  return h("div", { class: "b-card" },
    block.hero_image && h("img", { class: "b-hero", src: block.hero_image.image_url, alt: block.hero_image.alt_text ?? "" }),
    block.title && h("strong", {}, textObject(block.title)),
    block.subtitle && text(block.subtitle, "muted"),
    block.body && text(block.body),
    block.actions && h("div", { class: "button-row" }, block.actions.map((data) => element(data, ctx, block))),
    block.subtext && text(block.subtext, "muted"));
}

const BLOCKS = {
  header: (block) => h("div", { class: "b-header", role: "heading", "aria-level": "3" }, textObject(block.text)),
  section,
  context,
  divider: () => h("hr", { class: "b-divider" }),
  actions: (block, ctx) => h("div", { class: "b-actions" }, block.elements.map((data) => element(data, ctx, block))),
  context_actions: (block, ctx) => h("div", { class: "b-actions" }, block.elements.map((data) => element(data, ctx, block))),
  input,
  image,
  rich_text: richText,
  file: (block) => (block.file ? attachment(block.file) : h("div", { class: "muted" }, "A remote file")),
  table,
  data_table: dataTable,
  data_visualization: chart,
  video,
  markdown: (block) => h("div", { class: "text" }, markdown(block.text)),
  alert: (block) => h("div", { class: `b-alert alert-${block.level ?? "default"}` }, h("span", { role: "img", "aria-label": block.level ?? "note" }, LEVELS[block.level] ?? LEVELS.default), text(block.text)),
  task_card: taskCard,
  plan: (block) => h("div", { class: "b-plan" }, h("strong", {}, typeof block.title === "string" ? block.title : textObject(block.title)), (block.tasks ?? []).map(taskCard)),
  card,
  carousel: (block, ctx) => h("div", { class: "b-carousel", role: "region", "aria-label": "Cards", tabindex: "0" }, (block.elements ?? []).map((data) => card(data, ctx))),
  container,
};

export const BLOCK_TYPES = Object.keys(BLOCKS);

function unsupported(words) {
  return h("div", { class: "unsupported" }, words);
}

/** All blocks of one surface; a type that nobody knows is said, not swallowed, and so is a block that cannot be drawn. */
export function blocks(list, ctx) {
  return h("div", { class: "blocks" }, (list ?? []).map((block) => {
    const render = BLOCKS[block.type];
    const inside = render ? guarded(() => render(block, ctx), (error) => unsupported(`This ${block.type} block cannot be drawn here (${error.message}). If Slack draws it, that is a fault of the sandbox; the app's author finds what was sent with “Look inside”.`)) : unsupported(`Unsupported block: ${block.type}`);
    return h("div", { class: `block k-${block.type}`, key: block.block_id }, inside);
  }));
}
