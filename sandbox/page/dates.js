// How does a moment read for the person who is looking, in their zone and at the sandbox's time?

const formats = new Map();

function parts(seconds, tz, options) {
  const id = tz + JSON.stringify(options);
  if (!formats.has(id)) formats.set(id, formatter(tz, options));
  return Object.fromEntries(formats.get(id).formatToParts(seconds * 1000).map((p) => [p.type, p.value]));
}

function formatter(timeZone, options) {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, ...options });
  } catch {
    return new Intl.DateTimeFormat("en-US", { timeZone: "UTC", ...options });
  }
}

function ordinal(day) {
  const n = Number(day);
  if (n % 100 >= 11 && n % 100 <= 13) return `${n}th`;
  return `${n}${["th", "st", "nd", "rd"][n % 10] ?? "th"}`;
}

const DAY = { weekday: "long", month: "long", day: "numeric", year: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

export function time(seconds, tz, withSeconds = false) {
  const p = parts(seconds, tz, CLOCK);
  return withSeconds ? `${p.hour}:${p.minute}:${p.second}` : `${p.hour}:${p.minute}`;
}

/** Days between the calendar day of `seconds` and that of `now`: 0 today, -1 yesterday. */
export function dayDistance(seconds, now, tz) {
  const day = (s) => {
    const p = parts(s, tz, { year: "numeric", month: "numeric", day: "numeric" });
    return Date.UTC(Number(p.year), Number(p.month) - 1, Number(p.day)) / 86400000;
  };
  return day(seconds) - day(now);
}

function near(seconds, now) {
  return Math.abs(seconds - now) < 183 * 86400;
}

export function date(seconds, now, tz, style = "") {
  const p = parts(seconds, tz, DAY);
  const year = near(seconds, now) ? "" : `, ${p.year}`;
  if (style === "short") return `${p.month.slice(0, 3)} ${p.day}${year}`;
  if (style === "long") return `${p.weekday}, ${p.month} ${ordinal(p.day)}${year}`;
  if (style === "num") {
    const n = parts(seconds, tz, { year: "numeric", month: "2-digit", day: "2-digit" });
    return `${n.year}-${n.month}-${n.day}`;
  }
  return `${p.month} ${ordinal(p.day)}${year}`;
}

export function relativeDay(seconds, now, tz) {
  return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[dayDistance(seconds, now, tz)] ?? null;
}

/** "in 1 h 58 min", "3 minutes ago" in the shortest words that still say it. */
export function ago(seconds, now) {
  const gap = Math.round(seconds - now);
  const size = Math.abs(gap);
  if (size < 45) return gap > 0 ? "in a moment" : "just now";
  const [n, unit] = size < 3600 ? [size / 60, "minute"] : size < 86400 ? [size / 3600, "hour"] : size < 30 * 86400 ? [size / 86400, "day"] : size < 365 * 86400 ? [size / 2592000, "month"] : [size / 31536000, "year"];
  const count = Math.max(1, Math.round(n));
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return gap > 0 ? `in ${words}` : `${words} ago`;
}

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 90) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

const PRETTY = (style) => (s, now, tz) => relativeDay(s, now, tz)?.toLowerCase() ?? date(s, now, tz, style);
const TOKENS = {
  date_num: (s, now, tz) => date(s, now, tz, "num"),
  date: (s, now, tz) => date(s, now, tz),
  date_short: (s, now, tz) => date(s, now, tz, "short"),
  date_long: (s, now, tz) => date(s, now, tz, "long"),
  date_pretty: PRETTY(""),
  date_short_pretty: PRETTY("short"),
  date_long_pretty: PRETTY("long"),
  day_divider_pretty: PRETTY("long"),
  time: (s, _now, tz) => time(s, tz),
  time_secs: (s, _now, tz) => time(s, tz, true),
  ago: (s, now) => ago(s, now),
};

// A Date ends there; whatever lies beyond is a number and no moment.
const FARTHEST_S = 8.64e12;

/** Slack's date tokens in `format`; null when the moment or a token is not one, so that the fallback shows. */
export function formatDate(seconds, format, now, tz) {
  if (!(Math.abs(seconds) <= FARTHEST_S)) return null;
  let known = true;
  const text = format.replace(/\{([a-z_]+)\}/g, (_whole, token) => {
    if (!TOKENS[token]) known = false;
    return TOKENS[token]?.(seconds, now, tz) ?? "";
  });
  return known ? text : null;
}
