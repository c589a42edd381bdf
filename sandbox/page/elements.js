// How does each interactive Block Kit element look, and what does using it send?
import { post } from "./api.js";
import { avatar } from "./avatar.js";
import { confirmed } from "./dialogs.js";
import { h, icon, toast } from "./dom.js";
import { openMenu } from "./menus.js";
import { plain, textObject } from "./mrkdwn.js";
import { S, channelLabel, nameOf, tz } from "./store.js";
import { collect, pickedOptions, setValue, valueOf } from "./values.js";
import { fromZoned, toZoned } from "./zones.js";

const pending = new Set();
const slot = (ctx, block, element) => `${ctx.id}|${block.block_id}|${element.action_id}`;

/** Sends one block action and shows what Slack would show when it fails. */
async function act(ctx, block, element, value) {
  const key = slot(ctx, block, element);
  pending.add(key);
  ctx.refresh();
  try {
    const answer = await post("/control/action", {
      as: S.me, container: ctx.container, block_id: block.block_id, action_id: element.action_id, value, state: collect(ctx, ctx.blocks()),
    });
    if (answer.ok === false) toast(answer.error ?? "The app did not answer.", { error: true });
  } catch (error) {
    toast(error.message, { error: true });
  } finally {
    pending.delete(key);
    ctx.refresh();
  }
}

const dispatches = (block) => block.type !== "input" || block.dispatch_action === true;

/** Remembers a new value and, where the block says so, tells the app. */
async function change(ctx, block, element, value) {
  if (element.confirm && dispatches(block) && !(await confirmed(element.confirm))) {
    ctx.refresh();
    return;
  }
  setValue(ctx, block, element, value);
  ctx.refresh();
  if (dispatches(block)) await act(ctx, block, element, value);
}

const busy = (ctx, block, element) => (pending.has(slot(ctx, block, element)) ? "true" : null);
const name = (ctx, fallback) => (ctx.labelId ? { "aria-labelledby": ctx.labelId } : { "aria-label": fallback });
const described = (ctx) => ({ "aria-describedby": ctx.describedBy || null, "aria-invalid": ctx.error ? "true" : null });
const focusable = (element) => (element.focus_on_load ? { autofocus: true } : {});

function button(element, ctx, block) {
  return h("button", {
    class: `button ${element.style ?? ""}`, type: "button", key: `e${element.action_id}`, "aria-label": element.accessibility_label, "aria-busy": busy(ctx, block, element),
    onclick: async () => {
      if (pending.has(slot(ctx, block, element)) || !(await confirmed(element.confirm))) return;
      if (element.url) window.open(element.url, "_blank", "noopener");
      await act(ctx, block, element, undefined);
    },
  }, textObject(element.text));
}

function overflow(element, ctx, block) {
  return h("button", {
    class: "icon-button overflow", type: "button", key: `e${element.action_id}`, "aria-label": "More actions", title: "More actions", "aria-haspopup": "menu", "aria-expanded": "false", "aria-busy": busy(ctx, block, element),
    onclick: (event) => openMenu(event.currentTarget, {
      label: "More actions",
      items: element.options.map((option) => ({ value: option.value ?? option.url, label: textObject(option.text), description: option.description && textObject(option.description), option })),
      onchoose: async ({ option }) => {
        if (!(await confirmed(element.confirm))) return;
        if (option.url) window.open(option.url, "_blank", "noopener");
        await act(ctx, block, element, { selected_option: option.value });
      },
    }),
  }, icon("dots"));
}

function choice(kind, element, ctx, block) {
  const multiple = kind === "checkbox";
  const value = valueOf(ctx, block, element);
  const on = (option) => (multiple ? value.selected_options.includes(option.value) : value.selected_option === option.value);
  const alone = multiple && element.options.length === 1;
  return h("div", {
    class: "choices", role: alone ? null : multiple ? "group" : "radiogroup", key: `e${element.action_id}`, "aria-busy": busy(ctx, block, element),
    ...(alone ? {} : name(ctx, multiple ? "Choices" : "Choose one")), ...(alone ? {} : { "aria-describedby": ctx.describedBy || null }),
  }, element.options.map((option, i) =>
    h("label", { class: "choice" },
      h("input", {
        type: kind, name: `${ctx.copy ?? ""}${slot(ctx, block, element)}`, checked: on(option), "aria-invalid": ctx.error ? "true" : null, ...(i === 0 ? focusable(element) : {}),
        onchange: (event) => {
          const rest = multiple && valueOf(ctx, block, element).selected_options.filter((v) => v !== option.value);
          change(ctx, block, element, multiple ? { selected_options: event.target.checked ? [...rest, option.value] : rest } : { selected_option: option.value });
        },
      }),
      h("span", { class: "choice-text" }, h("span", {}, textObject(option.text)), option.description && h("span", { class: "choice-description" }, textObject(option.description))))));
}

const optionItems = (element) => {
  const of = (options, group) => (options ?? []).map((option) => ({ value: option.value, label: textObject(option.text), text: option.text.text, description: option.description && textObject(option.description), group, option }));
  return element.option_groups?.length ? element.option_groups.flatMap((g) => of(g.options, g.label?.text)) : of(element.options);
};

const userItems = () => [...S.users.values()].filter((u) => !u.deleted).map((u) => ({ value: u.id, label: nameOf(u), text: `${nameOf(u)} ${u.name}`, description: u.title, avatar: avatar(u, 20) }));
/** Public channels, or every conversation that one is in. */
const channelItems = (all) => () => S.channels.filter((c) => !c.archived && (all || c.kind === "channel")).map((c) => ({ value: c.id, label: `${c.kind === "im" ? "" : "# "}${channelLabel(c)}`, text: channelLabel(c) }));

/** field of the value, whether several may be chosen, where the choices come from */
const SELECTS = {
  static_select: ["selected_option", false, optionItems],
  multi_static_select: ["selected_options", true, optionItems],
  external_select: ["selected_option", false, null],
  multi_external_select: ["selected_options", true, null],
  users_select: ["selected_user", false, userItems],
  multi_users_select: ["selected_users", true, userItems],
  channels_select: ["selected_channel", false, channelItems(false)],
  multi_channels_select: ["selected_channels", true, channelItems(false)],
  conversations_select: ["selected_conversation", false, channelItems(true)],
  multi_conversations_select: ["selected_conversations", true, channelItems(true)],
};

function select(element, ctx, block) {
  const [field, multi, source] = SELECTS[element.type];
  const picked = [valueOf(ctx, block, element)[field] ?? []].flat();
  const known = source ? source(element) : [...(element.initial_options ?? []), element.initial_option].filter(Boolean).concat([...(pickedOptions.get(slot(ctx, block, element))?.values() ?? [])])
    .map((option) => ({ value: option.value, label: textObject(option.text), text: option.text.text, option }));
  const shown = picked.map((value) => known.find((item) => item.value === value)?.label ?? value);
  const placeholder = element.placeholder?.text ?? "Choose";
  const load = source ? undefined : async (query) => {
    if (query.length < (element.min_query_length ?? 3) && query !== "") return [];
    const answer = await post("/control/options", { as: S.me, container: ctx.container, block_id: block.block_id, action_id: element.action_id, query });
    return optionItems(answer).map((item) => ({ ...item, selected: picked.includes(item.value) }));
  };
  return h("button", {
    class: `select${shown.length ? "" : " select-empty"}`, type: "button", role: "combobox", key: `e${element.action_id}`, "aria-haspopup": "listbox", "aria-expanded": "false", "aria-busy": busy(ctx, block, element),
    ...name(ctx, placeholder), ...described(ctx), ...focusable(element),
    onkeydown: (event) => {
      if (event.key === "ArrowDown") {
        event.preventDefault();
        event.currentTarget.click();
      }
    },
    onclick: (event) => openMenu(event.currentTarget, {
      kind: "listbox", label: placeholder, multi, load,
      items: source ? source(element).map((item) => ({ ...item, selected: picked.includes(item.value) })) : undefined,
      onchoose: (item) => {
        const held = [valueOf(ctx, block, element)[field] ?? []].flat();
        if (item.option) {
          const key = slot(ctx, block, element);
          if (!pickedOptions.has(key)) pickedOptions.set(key, new Map());
          pickedOptions.get(key).set(item.value, item.option);
        }
        if (!multi) return change(ctx, block, element, { [field]: item.value });
        const next = held.includes(item.value) ? held.filter((v) => v !== item.value) : [...held, item.value];
        if (element.max_selected_items && next.length > element.max_selected_items) {
          item.selected = false;
          return toast(`You can choose at most ${element.max_selected_items}.`, { error: true });
        }
        return change(ctx, block, element, { [field]: next });
      },
    }),
  }, h("span", { class: "select-value" }, shown.length ? (multi ? shown.map((label) => h("span", { class: "pill" }, label)) : shown) : plain(placeholder)), icon("down", 14));
}

function typed(type) {
  return (element, ctx, block) => {
    const value = valueOf(ctx, block, element).value ?? "";
    const when = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
    return h(element.multiline ? "textarea" : "input", {
      class: "text-input", key: `e${element.action_id}`, type: element.multiline ? null : type, rows: element.multiline ? "4" : null, inputmode: element.type === "number_input" ? (element.is_decimal_allowed ? "decimal" : "numeric") : null,
      value, placeholder: element.placeholder?.text, maxlength: element.max_length, ...name(ctx, element.placeholder?.text ?? "Text"), ...described(ctx), ...focusable(element),
      "aria-required": ctx.required ? "true" : null,
      oninput: (event) => {
        setValue(ctx, block, element, { value: event.target.value || null });
        ctx.touched?.(block);
        if (dispatches(block) && when.includes("on_character_entered")) act(ctx, block, element, { value: event.target.value });
      },
      onkeydown: (event) => {
        if (event.key !== "Enter" || element.multiline || event.isComposing) return;
        event.preventDefault();
        if (dispatches(block) && when.includes("on_enter_pressed")) act(ctx, block, element, { value: event.target.value });
        else ctx.submit?.();
      },
    });
  };
}

function richInput(element, ctx, block) {
  const held = valueOf(ctx, block, element).rich_text_value;
  const text = (held?.elements ?? []).flatMap((part) => part.elements ?? []).map((e) => e.text ?? e.url ?? "").join("");
  return h("textarea", {
    class: "text-input", key: `e${element.action_id}`, rows: "4", value: text, placeholder: element.placeholder?.text, ...name(ctx, element.placeholder?.text ?? "Text"), ...described(ctx), ...focusable(element),
    oninput: (event) => setValue(ctx, block, element, {
      rich_text_value: event.target.value ? { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: event.target.value }] }] } : null,
    }),
  });
}

/** Native pickers: [input type, field, from held value to the input's text, back] */
const PICKERS = {
  datepicker: ["date", "selected_date", (v) => v, (t) => t],
  timepicker: ["time", "selected_time", (v) => v, (t) => t],
  datetimepicker: ["datetime-local", "selected_date_time", (v) => toZoned(v, tz()), (t) => fromZoned(t, tz())],
};

function picker(element, ctx, block) {
  const [type, field, show, read] = PICKERS[element.type];
  const value = valueOf(ctx, block, element)[field];
  return h("input", {
    class: "text-input picker", key: `e${element.action_id}`, type, value: value ? show(value) : "", ...name(ctx, element.placeholder?.text ?? { date: "Date", time: "Time" }[type] ?? "Date and time"), ...described(ctx), ...focusable(element),
    onchange: (event) => change(ctx, block, element, { [field]: event.target.value ? read(event.target.value) : null }),
  });
}

function fileInput(element, ctx, block) {
  const files = valueOf(ctx, block, element).files ?? [];
  return h("div", { class: "file-input", key: `e${element.action_id}` },
    h("input", {
      type: "file", multiple: (element.max_files ?? 10) > 1, accept: element.filetypes?.map((t) => `.${t}`).join(","), ...name(ctx, "Files"), ...described(ctx),
      onchange: async (event) => {
        setValue(ctx, block, element, { files: await Promise.all([...event.target.files].slice(0, element.max_files ?? 10).map(encodeFile)) });
        ctx.refresh();
      },
    }), files.length > 0 && h("span", { class: "muted" }, files.map((file) => file.name).join(", ")));
}

/** A file as the control API takes it. */
export function encodeFile(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ name: file.name, content_base64: String(reader.result).split(",")[1] ?? "" });
    reader.onerror = () => reject(new Error(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  });
}

function image(element) {
  return h("img", { class: "accessory-image", src: element.image_url ?? element.slack_file?.url, alt: element.alt_text ?? "" });
}

function feedback(element, ctx, block) {
  return h("div", { class: "button-row" }, ["positive_button", "negative_button"].map((which) => element[which] && h("button", {
    class: "button", type: "button", "aria-label": element[which].accessibility_label, onclick: () => act(ctx, block, element, { value: element[which].value }),
  }, textObject(element[which].text))));
}

function iconButton(element, ctx, block) {
  return h("button", { class: "button", type: "button", "aria-label": element.accessibility_label, onclick: async () => (await confirmed(element.confirm)) && act(ctx, block, element, undefined) }, textObject(element.text));
}

const ELEMENTS = {
  button, overflow, image, workflow_button: button, feedback_buttons: feedback, icon_button: iconButton,
  checkboxes: (...of) => choice("checkbox", ...of),
  radio_buttons: (...of) => choice("radio", ...of),
  plain_text_input: typed("text"), email_text_input: typed("email"), url_text_input: typed("url"), number_input: typed("text"),
  rich_text_input: richInput, file_input: fileInput,
  ...Object.fromEntries(Object.keys(SELECTS).map((type) => [type, select])),
  ...Object.fromEntries(Object.keys(PICKERS).map((type) => [type, picker])),
};

export const ELEMENT_TYPES = Object.keys(ELEMENTS);

export function element(data, ctx, block) {
  return ELEMENTS[data.type]?.(data, ctx, block) ?? h("span", { class: "unsupported" }, `Unsupported element: ${data.type}`);
}


