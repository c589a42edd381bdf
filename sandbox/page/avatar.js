// What picture stands for a person or an app?
import { h } from "./dom.js";
import { nameOf } from "./store.js";

const HUES = ["#2f7d5b", "#8a4fa3", "#b5532c", "#2b6cb0", "#a33c5c", "#5b6f1f", "#3f51a5", "#8c6d1f"];

function colorOf(user) {
  if (/^#?[0-9a-f]{6}$/i.test(user?.color ?? "")) return `#${user.color.replace("#", "")}`;
  const sum = [...(user?.id ?? "")].reduce((total, char) => total + char.charCodeAt(0), 0);
  return HUES[sum % HUES.length];
}

/** White or near-black letters, whichever can be read on `color`. */
function ink(color) {
  const [r, g, b] = [1, 3, 5].map((i) => (Number.parseInt(color.slice(i, i + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3 ? "#1d1c1d" : "#fff";
}

export function avatar(user, size = 36) {
  const name = nameOf(user);
  const initials = name.split(/[\s-]+/).map((word) => word[0] ?? "").join("").slice(0, 2).toUpperCase();
  const color = colorOf(user);
  return h("span", { class: `avatar${user?.is_bot ? " avatar-app" : ""}`, "aria-hidden": "true", style: { "--size": `${size}px`, "--avatar": color, "--ink": ink(color) } }, initials);
}
