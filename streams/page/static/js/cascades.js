// Cascades that rise and the largest; one of them as a tree, and its forecasts beside what came.
import { lines, tree } from "./charts.js";
import { account, count, duration, el, link, number, percent, when } from "./dom.js";
import { facts, table } from "./panel.js";

export const title = "Cascades";

export const ending = (r) => (r.unbounded ? "without bound" : r.forecast_size === null ? "–" : number(Math.round(r.forecast_size)));

const columns = [
  ["root", (r) => link("cascades", { root: r.root, kind: r.kind }, r.root), "name"],
  ["author", (r) => (r.author ? account(r.author) : "–"), "name"],
  ["size", (r) => number(r.size), "number"],
  ["forecast", ending, "number"],
  ["a minute", (r) => number(r.shares_per_minute), "number"],
  ["depth", (r) => number(r.depth), "number"],
  ["earned", (r) => percent(r.earned / r.size), "number"],
  ["last share", (r) => when(r.last_at), "number"],
];

export const listing = (caption, rows) => table(caption, columns, rows, { empty: "No post has been shared." });

export async function show(view, given, ask, stale) {
  if (given.root) return one(view, given, ask, stale);
  const [rising, largest] = await Promise.all(["rising", "largest"].map((order) => ask("cascades", { order, limit: 20 })));
  if (stale()) return;
  const growing = rising.filter((r) => r.growing);
  view.say(growing.length ? `${growing.length} of these grew within the last hour. A root opens its tree.` : "None grew within the last hour. A root opens its tree.");
  view.panel("rising", { title: "Rising now", note: "By shares a minute over the last five.", table: listing("Rising now", rising) });
  view.panel("largest", { title: "Largest", table: listing("Largest", largest) });
}

async function one(view, { root, kind = "share" }, ask, stale) {
  const found = await ask("cascade", { root, kind });
  if (stale()) return;
  const c = found.cascade, last = found.growth.at(-1);
  view.title(`Cascade ${root}`);
  view.say(...(kind === "tag" ? ["Who tagged whom: "] : c.author ? ["A post by ", account(c.author), ": "] : ["A post whose author is unknown: "]),
    `${count(c.size, "share", "shares")} by ${count(c.people, "account", "accounts")}, ${count(c.depth, "step", "steps")} deep; `,
    c.unbounded ? "it looks as if it would grow without bound." : c.forecast_size === null ? "no forecast." : `expected to end at ${number(Math.round(c.forecast_size))}.`);
  view.panel("numbers", { title: "In short", body: [facts([
    ["size", number(c.size)], ["forecast", ending(c)], ["reach, at most", number(c.reach)], ["depth", number(c.depth)], ["breadth", number(c.breadth)],
    ["structural virality", number(c.structural_virality)], ["half of it within", duration(c.time_to_half)], ["earned", percent(c.earned / c.size)],
    ["undisclosed", number(c.undisclosed)], ["last share", when(c.last_at)],
  ])] });
  const at = (r) => r.elapsed / 3600;
  view.panel("growth", { title: "What was forecast, against what came", size: "half",
    note: "Each forecast is made from what was known at that moment. A gap: too few shares, or no bound in sight.",
    chart: () => lines({ "shares so far": found.growth.map((r) => [at(r), r.size]), "forecast of the end": found.growth.map((r) => [at(r), r.forecast]),
      [c.final ? "size in the end" : "size now"]: found.growth.map((r) => [at(r), last.size]) }, { type: "value", label: (v) => `${v} h` }),
    alt: last ? `After ${duration(last.elapsed)} there are ${number(last.size)} shares; the latest forecast is ${ending(c)}.` : "No shares.",
    table: table("Forecast against size", [["after", (r) => duration(r.elapsed), ""], ["shares", (r) => number(r.size), "number"], ["forecast", (r) => (r.forecast === null ? "–" : number(Math.round(r.forecast))), "number"]], found.growth),
  });
  const nodes = flat(found.tree);
  view.panel("tree", { title: "Who had it from whom", size: "half", tall: true,
    note: `${found.drawn < found.read ? `The first ${number(found.drawn)} of ${number(c.size)} shares. ` : ""}Larger: more followers. Drag and zoom.`,
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
