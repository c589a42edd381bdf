// What do the inputs of a message, a modal or a Home hold right now?
import { S } from "./store.js";

const chosen = (options) => (options ?? []).map((option) => option.value);

/** The shape of each element's value, and what it holds before anybody touches it. */
const INITIAL = {
  plain_text_input: (e) => ({ value: e.initial_value ?? null }),
  email_text_input: (e) => ({ value: e.initial_value ?? null }),
  url_text_input: (e) => ({ value: e.initial_value ?? null }),
  number_input: (e) => ({ value: e.initial_value ?? null }),
  rich_text_input: (e) => ({ rich_text_value: e.initial_value ?? null }),
  static_select: (e) => ({ selected_option: e.initial_option?.value ?? null }),
  external_select: (e) => ({ selected_option: e.initial_option?.value ?? null }),
  radio_buttons: (e) => ({ selected_option: e.initial_option?.value ?? null }),
  checkboxes: (e) => ({ selected_options: chosen(e.initial_options) }),
  multi_static_select: (e) => ({ selected_options: chosen(e.initial_options) }),
  multi_external_select: (e) => ({ selected_options: chosen(e.initial_options) }),
  users_select: (e) => ({ selected_user: e.initial_user ?? null }),
  multi_users_select: (e) => ({ selected_users: e.initial_users ?? [] }),
  channels_select: (e) => ({ selected_channel: e.initial_channel ?? null }),
  multi_channels_select: (e) => ({ selected_channels: e.initial_channels ?? [] }),
  conversations_select: (e) => ({ selected_conversation: e.initial_conversation ?? (e.default_to_current_conversation ? S.place.channel || null : null) }),
  multi_conversations_select: (e) => ({ selected_conversations: e.initial_conversations ?? [] }),
  datepicker: (e) => ({ selected_date: e.initial_date ?? null }),
  timepicker: (e) => ({ selected_time: e.initial_time ?? null }),
  datetimepicker: (e) => ({ selected_date_time: e.initial_date_time ?? null }),
  file_input: () => ({ files: [] }),
};

const held = new Map();
export const pickedOptions = new Map();

const slot = (ctx, block, element) => `${ctx.id}|${block.block_id}|${element.action_id}|${element.type}`;

export function valueOf(ctx, block, element) {
  return held.get(slot(ctx, block, element)) ?? INITIAL[element.type]?.(element) ?? null;
}

export function setValue(ctx, block, element, value) {
  held.set(slot(ctx, block, element), value);
}

export function forgetContainer(id) {
  for (const key of held.keys()) if (key.startsWith(`${id}|`)) held.delete(key);
}

/** Every block, those that stand in containers, carousels and plans included. */
const INSIDE = { container: "child_blocks", carousel: "elements", plan: "tasks" };
const everyBlock = (blocks) => (blocks ?? []).flatMap((block) => [block, ...everyBlock(block[INSIDE[block.type]])]);

function elementsOf(block) {
  return [block.accessory, block.element, ...(INSIDE[block.type] ? [] : (block.elements ?? []))].filter(Boolean);
}

/** {block_id: {action_id: value}} of everything in `blocks` that holds a value. */
export function collect(ctx, blocks) {
  const state = {};
  for (const block of everyBlock(blocks))
    for (const element of elementsOf(block))
      if (INITIAL[element.type] && element.action_id) (state[block.block_id] ??= {})[element.action_id] = valueOf(ctx, block, element);
  return state;
}
