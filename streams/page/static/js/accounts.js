// Live leaderboards, all four for one window.
import { bars } from "./charts.js";
import { account, number, percent, points, shown, span } from "./dom.js";
import { table } from "./panel.js";

export const title = "Accounts";

const boards = [
  ["influence", "Influence", "What others do because of them, 0 to 100; ten times as many people make 25 points more."],
  ["outreach", "Outreach", "What they do for others, on the same scale."],
  ["amplification", "Amplification", "Shares, quotes and tags of them that nobody was paid for."],
  ["people", "People", "Distinct people who acted on them without an incentive."],
];

export async function show(view, { window }, ask, stale) {
  const answers = await Promise.all(boards.map(([board]) => ask("leaderboard", { board, window, limit: 20 })));
  if (stale()) return;
  view.say(`The first twenty of each board over ${span(window)}. A name opens its statement.`);
  boards.forEach(([board, name, note], i) => {
    const rows = answers[i], value = board === "influence" || board === "outreach" ? points : number;
    view.panel(board, {
      title: name, note, size: "half",
      chart: () => bars(rows.slice(0, 10).map((r) => shown(r.account, 24)), { [name]: rows.slice(0, 10).map((r) => r.value) }),
      alt: rows.length ? `${name}: ${rows.slice(0, 3).map((r) => `${r.account} ${value(r.value)}`).join(", ")} lead.` : "Nobody yet.",
      open: true,
      table: table(`${name}, ${span(window)}`, [
      ["#", (r) => r.rank, ""],
      ["account", (r) => account(r.account), "name"],
      [name.toLowerCase(), (r) => value(r.value), "number"],
      ["received", (r) => number(r.engagement), "number"],
      ["paid for", (r) => (r.engagement ? percent(r.bought / r.engagement) : "–"), "number"],
    ], rows) });
  });
}
