// How does a data_visualization block look? Drawn as SVG, with its numbers as a table for those who cannot see it.
import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 560;
const HIGH = 240;
const EDGE = { left: 46, right: 12, top: 12, bottom: 30 };
const hue = (i) => `var(--chart-${(i % 6) + 1})`;

function s(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** Round steps from 0 (or below) to beyond the largest value. */
function ticks(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / 4;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * size).find((n) => n >= raw) ?? raw;
  const found = [];
  for (let at = Math.floor(low / step) * step; at < high + step * 0.999; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

function frame(chart, draw) {
  const { categories } = chart.axis_config;
  const values = chart.series.flatMap((one) => one.data.map((point) => point.value));
  const marks = ticks(Math.min(0, ...values), Math.max(0, ...values));
  const low = marks[0];
  const high = marks.at(-1);
  const y = (value) => EDGE.top + (HIGH - EDGE.top - EDGE.bottom) * (1 - (value - low) / (high - low));
  const room = (WIDE - EDGE.left - EDGE.right) / categories.length;
  const x = (i) => EDGE.left + room * (i + 0.5);
  const every = Math.ceil(categories.length / 8);
  return [
    ...marks.map((mark) => s("g", {}, s("line", { x1: EDGE.left, x2: WIDE - EDGE.right, y1: y(mark), y2: y(mark), class: "chart-grid" }), s("text", { x: EDGE.left - 7, y: y(mark) + 4, "text-anchor": "end" }, mark.toLocaleString("en")))),
    ...categories.map((name, i) => (i % every ? "" : s("text", { x: x(i), y: HIGH - 9, "text-anchor": "middle" }, name))),
    ...chart.series.flatMap((one, n) => draw(one, n, { x, y, room, zero: y(Math.max(0, low)), places: categories })),
  ];
}

const along = (one, { x, y, places }) => one.data.map((point, i) => [x(places.includes(point.label) ? places.indexOf(point.label) : i), y(point.value)]);

const CHARTS = {
  line: (chart) => frame(chart, (one, n, at) => {
    const points = along(one, at);
    return [s("polyline", { points: points.join(" "), fill: "none", stroke: hue(n), "stroke-width": 2.2, "stroke-linejoin": "round", "stroke-dasharray": n % 2 ? "6 3" : "none" }), ...points.map(([cx, cy]) => s("circle", { cx, cy, r: 2.6, fill: hue(n) }))];
  }),
  area: (chart) => frame(chart, (one, n, at) => {
    const points = along(one, at);
    if (!points.length) return [];
    return [s("polygon", { points: [[points[0][0], at.zero], ...points, [points.at(-1)[0], at.zero]].join(" "), fill: hue(n), "fill-opacity": 0.22 }), s("polyline", { points: points.join(" "), fill: "none", stroke: hue(n), "stroke-width": 2 })];
  }),
  bar: (chart) => frame(chart, (one, n, at) => {
    const width = Math.min(34, (at.room * 0.72) / chart.series.length);
    return along(one, at).map(([cx, cy]) => s("rect", { x: cx + (n - chart.series.length / 2) * width + 1, y: Math.min(cy, at.zero), width: Math.max(1, width - 2), height: Math.max(1, Math.abs(at.zero - cy)), rx: 2, fill: hue(n) }));
  }),
  pie: (chart) => {
    const total = chart.segments.reduce((sum, part) => sum + Math.max(0, part.value), 0) || 1;
    let turn = 0;
    return chart.segments.map((part, n) => {
      const share = Math.max(0, part.value) / total;
      const circle = s("circle", { cx: WIDE / 2, cy: HIGH / 2, r: 70, fill: "none", stroke: hue(n), "stroke-width": 44, pathLength: 100, "stroke-dasharray": `${Math.max(0, share * 100 - 0.6)} 100`, "stroke-dashoffset": -turn * 100, transform: `rotate(-90 ${WIDE / 2} ${HIGH / 2})` });
      turn += share;
      return circle;
    });
  },
};

function numbers(chart) {
  const rows = chart.segments ? chart.segments.map((part) => [part.label, part.value]) : chart.series.flatMap((one) => one.data.map((point) => [`${one.name}, ${point.label}`, point.value]));
  return h("table", {}, h("tbody", {}, rows.map(([label, value]) => h("tr", {}, h("th", { scope: "row" }, label), h("td", { class: "align-right" }, value.toLocaleString("en"))))));
}

export function chart(block) {
  const data = block.chart;
  const draw = CHARTS[data.type];
  if (!draw) return h("div", { class: "unsupported" }, `Unsupported chart: ${data.type}`);
  const names = (data.segments ?? data.series).map((part) => part.label ?? part.name);
  return h("figure", { class: "b-card b-chart" },
    h("figcaption", {}, h("strong", {}, block.title)),
    s("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${block.title}: ${data.type} chart of ${names.join(", ")}` }, ...draw(data)),
    h("div", { class: "chart-legend" }, names.map((name, n) => h("span", {}, h("i", { style: { "--swatch": hue(n) }, class: "swatch" }), name))),
    h("details", {}, h("summary", { class: "muted" }, "Numbers"), h("div", { class: "b-table" }, numbers(data))));
}
