/** Times as people read them, in the page's language. */

const locale = () => document.documentElement.lang || undefined;
const DAY = 86_400_000;

function dayNumber(date) {
  return Math.round(new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / DAY);
}

/** "14:05". */
export function clock(iso) {
  return new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit" }).format(new Date(iso));
}

/** "Today", "Yesterday", "Monday", "3 March 2026": for day separators. */
export function day(iso, now = new Date()) {
  const date = new Date(iso);
  const ago = dayNumber(now) - dayNumber(date);
  if (ago === 0 || ago === 1) {
    const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(-ago, "day");
    return words.charAt(0).toLocaleUpperCase() + words.slice(1);
  }
  const form = ago > 1 && ago < 7 ? { weekday: "long" } : { day: "numeric", month: "long", year: "numeric" };
  return new Intl.DateTimeFormat(locale(), form).format(date);
}

/** "now", "5 min", "3 h", "2 d": for lists, where room is short. */
export function ago(iso, now = new Date()) {
  const seconds = Math.max(0, (now - new Date(iso)) / 1000);
  const short = (value, unit) =>
    new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "narrow" }).format(Math.floor(value));
  if (seconds < 60) return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(0, "second");
  if (seconds < 3600) return short(seconds / 60, "minute");
  if (seconds < 86400) return short(seconds / 3600, "hour");
  return short(seconds / 86400, "day");
}

/** "14:05" for today, "3 Mar, 14:05" this year, else with the year. */
export function moment(iso, now = new Date()) {
  const date = new Date(iso);
  if (dayNumber(now) === dayNumber(date)) return clock(iso);
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  const form = { day: "numeric", month: "short", year, hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(locale(), form).format(date);
}

/** "Monday 09:00", for what is a few days ahead at most; further ahead with the date. */
export function weekdayTime(iso, now = new Date()) {
  const date = new Date(iso);
  const isNear = dayNumber(date) - dayNumber(now) < 7;
  const form = isNear ? { weekday: "long" } : { day: "numeric", month: "long" };
  return new Intl.DateTimeFormat(locale(), { ...form, hour: "numeric", minute: "2-digit" }).format(date);
}

/** The full date and time, for tooltips. */
export function full(iso) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}
