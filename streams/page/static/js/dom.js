// Elements made of what they say. Text goes in as text only, so no name can become markup.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((c) => c !== null && c !== undefined).map((c) => (c instanceof Node ? c : String(c))));
  return made;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const one = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? whole.format(value) : small.format(value);
}
export const points = (value) => (value === null || value === undefined ? "–" : one.format(value));
export const percent = (value) => (value === null || value === undefined ? "–" : `${one.format(value * 100)} %`);
export const when = (value) => (value ? String(value).slice(0, 16).replace("T", " ") : "–");

// Windows in words, to stand behind "the last" or "over".
const spans = { "5m": "5 minutes", "1h": "hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days" };
export const span = (window) => spans[window] ?? window;

const kinds = { reply: "replies" };
export const plural = (kind) => kinds[kind] ?? `${kind}s`;
// a, b and c
export const listed = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

export const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

export function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < 120) return `${one.format(seconds)} s`;
  if (size < 7200) return `${one.format(seconds / 60)} min`;
  if (size < 172800) return `${one.format(seconds / 3600)} h`;
  return `${one.format(seconds / 86400)} days`;
}

// Names may be empty-looking, very long or full of direction marks: isolate and shorten what is shown.
export const shown = (name, length = 60) => {
  const letters = [...String(name)];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : String(name);
};

export const link = (view, asked, text) =>
  el("a", { href: `#/${view}?${new URLSearchParams(asked)}` }, el("bdi", {}, shown(text)));

export const account = (name) => link("account", { id: name }, name);
