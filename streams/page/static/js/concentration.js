// How unequally attention is spread: now, by measure; and day by day.
import { bars, lines } from "./charts.js";
import { number, percent, span } from "./dom.js";
import { table } from "./panel.js";

export const title = "Concentration";
const words = (measure) => measure.replace("_earned", ", unpaid").replaceAll("_", " ");
const DAY = 86_400_000;

// Days in a row are joined; where days are missing, nothing is known.
const joined = (daily, of) => daily.flatMap((r, i) => {
  const before = i ? Date.parse(daily[i - 1].day) : null;
  return [...(before !== null && Date.parse(r.day) - before > DAY ? [[before + DAY, null]] : []), [Date.parse(r.day), of(r)]];
});

export async function show(view, { window }, ask, stale) {
  const { measures, daily: days } = await ask("concentration", { window });
  if (stale()) return;
  const daily = days.filter((r) => r.accounts > 1); // of one account there is nothing to compare
  const all = measures.find((r) => r.measure === "engagement");
  view.say(all ? `Of everything received over ${span(window)}, the top 1 % of ${number(all.accounts)} accounts have ${percent(all.top_1_percent_share)}.` : `Nobody received anything over ${span(window)}.`);
  view.panel("now", { title: `By measure over ${span(window)}`, note: "Gini: 0 where all have the same, 1 where one has everything.", size: "half",
    chart: () => { const o = bars(measures.map((r) => words(r.measure)), { "share of the top 1 %": measures.map((r) => r.top_1_percent_share), Gini: measures.map((r) => r.gini) }); o.series.forEach((s) => delete s.stack); return o; },
    alt: measures.map((r) => `${words(r.measure)}: top 1 % have ${percent(r.top_1_percent_share)}, Gini ${number(r.gini)}`).join("; "),
    table: table("Concentration by measure", [["measure", (r) => words(r.measure), ""], ["accounts", (r) => number(r.accounts), "number"], ["top 1 %", (r) => percent(r.top_1_percent_share), "number"], ["Gini", (r) => number(r.gini), "number"], ["Herfindahl", (r) => r.herfindahl.toPrecision(2), "number"]], measures) });
  view.panel("daily", { title: "Day by day", note: "Of what accounts received on each day.", size: "half",
    chart: () => lines({ "share of the top 1 %": joined(daily, (r) => r.top_1_percent_share), Gini: joined(daily, (r) => r.gini) }, { percentages: true }),
    alt: daily.length ? `From ${daily[0].day} to ${daily.at(-1).day}; on the last day the top 1 % had ${percent(daily.at(-1).top_1_percent_share)}.` : "No days yet.",
    table: table("Concentration by day", [["day", (r) => r.day, ""], ["accounts", (r) => number(r.accounts), "number"], ["top 1 %", (r) => percent(r.top_1_percent_share), "number"], ["Gini", (r) => number(r.gini), "number"], ["Herfindahl", (r) => r.herfindahl.toPrecision(2), "number"]], daily) });
}
