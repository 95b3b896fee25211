// Cascades that rise and the largest; one of them as a tree, and its forecasts beside what came.
import { lines, tree } from "./charts.js";
import { account, count, duration, el, link, number, percent, shown, when } from "./dom.js";
import { facts, table } from "./panel.js";

export const title = "Cascades";

export const ending = (r) => (!r.growing ? "at rest" : r.unbounded ? "without bound" : r.forecast_size === null ? "–" : number(Math.round(r.forecast_size)));

// The first forecast there was and how far the later ones went, for a sentence about what came of them.
export function early({ growth }) {
  const [first, ...later] = growth.filter((r) => r.forecast !== null);
  if (!first) return "";
  const said = later.map((r) => r.forecast), [least, most] = [Math.min(...said), Math.max(...said)].map((f) => number(Math.round(f)));
  return `; after ${duration(first.elapsed)}, at ${number(first.size)}, the forecast was ${number(Math.round(first.forecast))}${said.length ? `, later between ${least} and ${most}` : ""}`;
}

const columns = [
  ["post", (r) => link("cascades", { root: r.root, kind: r.kind }, r.root), "name"],
  ["by", (r) => (r.author ? account(r.author) : "–"), "name"],
  ["shares", (r) => number(r.size), "number"],
  ["expected", ending, "number"],
  ["a minute", (r) => number(r.shares_per_minute), "number"],
  ["last share", (r) => when(r.last_at), "number"],
  ["steps deep", (r) => number(r.depth), "number"],
  ["not paid for", (r) => percent(r.earned / r.size), "number"],
];
const FEW = 6;

export const listing = (caption, rows, few = false) => table(caption, few ? columns.slice(0, FEW) : columns, rows, { empty: "No post has been shared." });

export async function show(view, given, ask, stale) {
  if (given.root) return one(view, given, ask, stale);
  const [rising, largest] = await Promise.all(["rising", "largest"].map((order) => ask("cascades", { order, limit: 20 })));
  if (stale()) return;
  const growing = rising.filter((r) => r.growing);
  view.say(growing.length ? `${growing.length} of these grew within the last hour. A post opens its tree.` : "None grew within the last hour. A post opens its tree.");
  view.panel("rising", { title: "Rising now", note: "By shares a minute over the last five. Expected: how many shares in the end; at rest: none for an hour.", table: listing("Rising now", rising) });
  view.panel("largest", { title: "Largest", table: listing("Largest", largest) });
}

async function one(view, { root, kind = "share" }, ask, stale) {
  const found = await ask("cascade", { root, kind });
  if (stale()) return;
  const c = found.cascade;
  view.title(`Cascade ${root}`);
  view.say(...(kind === "tag" ? ["Who tagged whom: "] : c.author ? ["A post by ", account(c.author), ": "] : ["A post whose author is unknown: "]),
    `${count(c.size, "share", "shares")} by ${count(c.people, "account", "accounts")}, ${count(c.depth, "step", "steps")} deep; `,
    !c.growing ? `at rest${early(found)}.` : c.unbounded ? "it looks as if it would grow without bound." : c.forecast_size === null ? "no forecast." : `expected to end at ${ending(c)}.`);
  view.panel("numbers", { title: "In short", note: "Structural virality: how far two of its accounts are apart on average; 2 where all had it from the author.", body: [facts([
    ["shares", number(c.size)], ...(c.growing ? [["expected in the end", ending(c)]] : []), ["seen by, at most", number(c.reach)], ["steps deep", number(c.depth)], ["widest step", number(c.breadth)],
    ["structural virality", number(c.structural_virality)], ["half of it within", duration(c.time_to_half)], ["not paid for", percent(c.earned / c.size)],
    ["paid for, not said", number(c.undisclosed)], ["last share", when(c.last_at)],
  ])] });
  forecasts(view, found);
  drawn(view, found);
}

export function forecasts(view, found) {
  const c = found.cascade, last = found.growth.at(-1), at = (r) => r.elapsed / 3600;
  view.panel("growth", { title: `${shown(c.root, 24)}: what was forecast, against what came`, size: "half",
    note: "Each forecast was made from what was known at its moment. A gap: no forecast, for want of shares or of a bound.",
    chart: () => lines({ "shares so far": found.growth.map((r) => [at(r), r.size]), "forecast of the end": found.growth.map((r) => [at(r), r.forecast]),
      [c.final ? "size it came to" : "size now"]: found.growth.map((r) => [at(r), last.size]) }, { type: "value", label: (v) => `${v} h` }),
    alt: last ? `After ${duration(last.elapsed)} there are ${number(last.size)} shares; ${c.growing ? `the latest forecast is ${ending(c)}` : "it is at rest"}.` : "No shares.",
    table: table("Forecast against size", [["after", (r) => duration(r.elapsed), ""], ["shares", (r) => number(r.size), "number"], ["forecast", (r) => (r.forecast === null ? "–" : number(Math.round(r.forecast))), "number"]], found.growth),
  });
}

function drawn(view, found) {
  const c = found.cascade, nodes = flat(found.tree);
  view.panel("tree", { title: "Who had it from whom", size: "half", tall: true,
    note: `${found.drawn < found.read ? `The first ${number(found.drawn)} of ${number(c.size)} shares. ` : ""}${c.depth > 1 ? "" : "No share names another as its source. "}It began at the large dot without a colour; of the others, larger ones have more followers. Drag and zoom.`,
    chart: () => tree(found.tree, nodes.length < 40),
    alt: `A tree of ${number(nodes.length)} shares; ${number(found.tree.children.length)} hang below the root directly.`,
    table: table("Shares in order of time", [["account", (r) => account(r.name), "name"], ["below", (r) => el("bdi", {}, r.below), "name"], ["step", (r) => r.step, "number"], ["at", (r) => when(r.at), "number"], ["class", (r) => r.klass, ""]],
      nodes.sort((a, b) => (a.at < b.at ? -1 : 1)).slice(0, 100)),
  });
}

function flat(root) {
  const said = [], left = [[root, 0]];
  while (left.length) {
    const [node, step] = left.pop();
    for (const child of node.children) {
      said.push({ ...child, below: node.name, step: step + 1 });
      left.push([child, step + 1]);
    }
  }
  return said;
}
