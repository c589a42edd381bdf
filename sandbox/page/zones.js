// How does a moment become the text of a date-and-time field in a person's zone, and back?

function wall(seconds, timeZone) {
  const p = Object.fromEntries(
    new Intl.DateTimeFormat("en-US", { timeZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
      .formatToParts(seconds * 1000)
      .map((part) => [part.type, part.value]),
  );
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
}

export const toZoned = wall;

/** Seconds since 1970 for a wall time; the zone's offset is found by looking at that moment, twice around a change. */
export function fromZoned(text, timeZone) {
  const target = Date.parse(`${text}Z`) / 1000;
  let guess = target;
  for (let i = 0; i < 2; i++) guess += target - Date.parse(`${wall(guess, timeZone)}Z`) / 1000;
  return guess;
}
