// Hashtags: which rise, which are used, and how that went.
import { lines } from "./charts.js";
import { el, link, number, percent, span, when } from "./dom.js";
import { table } from "./panel.js";

export const title = "Trends";

export const named = (r) => (r.kind === "tag" ? el("bdi", {}, `#${r.name}`) : link("cascades", { root: r.name }, r.name));

export const risen = (caption, rows) => table(caption, [
  ["what", named, "name"], ["since", (r) => when(r.raised_at), ""], ["until", (r) => (r.ended_at ? when(r.ended_at) : "rises still"), ""],
  ["a minute", (r) => (r.ended_at ? "–" : number(r.rate)), "number"], ["usual", (r) => (r.ended_at || r.kind !== "tag" ? "–" : number(r.baseline)), "number"],
], rows, { empty: "Nothing has risen out of the ordinary." });

export async function show(view, { window }, ask, stale) {
  const found = await ask("trends", { window });
  if (stale()) return;
  const now = found.trends.filter((r) => !r.ended_at);
  view.say(now.length ? `${now.length} rise now.` : "Nothing rises out of the ordinary now.");
  view.panel("risen", { title: "Rises", note: "Far above what the time before makes likely.", table: risen("Rises", found.trends) });
  if (!found.tags.length) view.drop("history");
  else view.panel("history", { title: `The five most used over ${span(window)}`, size: "half",
    chart: () => lines(over(found)), alt: found.tags.slice(0, 5).map((r) => `#${r.tag}: ${number(r.events)} uses`).join(", "),
    table: table("Uses per step", [["from", (r) => when(r.at), ""], ["hashtag", (r) => el("bdi", {}, `#${r.tag}`), "name"], ["uses", (r) => number(r.events), "number"]], found.history) });
  view.panel("tags", { title: `Hashtags over ${span(window)}`, size: "half", table: table("By people", [
    ["hashtag", (r) => el("bdi", {}, `#${r.tag}`), "name"], ["people", (r) => number(r.people), "number"], ["uses", (r) => number(r.events), "number"], ["not paid for", (r) => percent(r.earned / r.events), "number"],
  ], found.tags, { empty: "No hashtag was used." }) });
}

function over({ history, tags, step }) {
  const at = [...new Set(history.map((r) => r.at))].sort(), found = new Map(history.map((r) => [`${r.at} ${r.tag}`, r.events]));
  const steps = [];
  for (let t = Date.parse(at[0]); at.length && t <= Date.parse(at.at(-1)); t += step * 1000) steps.push(t);
  const by = new Map([...found].map(([key, n]) => [`${Date.parse(key.split(" ")[0])} ${key.slice(key.indexOf(" ") + 1)}`, n]));
  return Object.fromEntries(tags.slice(0, 5).map(({ tag }) => [`#${tag}`, steps.map((t) => [t, by.get(`${t} ${tag}`) ?? 0])]));
}
