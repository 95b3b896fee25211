// Within a minute: who matters here, why, and what happens next.
import { bars } from "./charts.js";
import { account, el, link, number, percent, points, shown } from "./dom.js";
import { statement } from "./account.js";
import { ending, listing } from "./cascades.js";
import { table } from "./panel.js";
import { named, risen } from "./trends.js";

export const title = "Who matters, why, and what comes next";

export async function show(view, { window }, ask, stale) {
  const [board, rising, { trends }, { measures }, campaigns] = await Promise.all([
    ask("leaderboard", { board: "influence", window, limit: 10 }), ask("cascades", { order: "rising", limit: 5 }), ask("trends", { window }),
    ask("concentration", { window }), ask("campaigns")]);
  if (stale()) return;
  const first = board[0], next = rising.find((r) => r.growing), risenNow = trends.filter((r) => !r.ended_at);
  const why = first ? await ask("account", { id: first.account, window }) : null;
  if (stale()) return;
  const spread = measures.find((r) => r.measure === "engagement");
  if (!first) view.say(`Nothing was received over ${window} yet. Feed events, or choose a longer window.`);
  else view.say(
    account(first.account), ` matters most over ${window}: influence ${points(first.influence)} of 100, from ${number(first.people_earned)} people whom nobody paid. `,
    spread ? `The top 1 % of accounts hold ${percent(spread.top_1_percent_share)} of all attention. ` : "",
    ...(next ? ["Next: ", link("cascades", { root: next.root, kind: next.kind }, next.root), next.unbounded ? " grows without bound in sight." : ` has ${number(next.size)} shares and heads for ${ending(next)}.`]
      : risenNow.length ? ["Next: ", named(risenNow[0]), " is rising."] : ["Nothing rises out of the ordinary now."]));
  view.panel("who", { title: "Who matters", note: `Influence over ${window}: what others do because of them.`, size: "half",
    chart: () => bars(board.map((r) => shown(r.account, 24)), { influence: board.map((r) => r.influence) }),
    alt: board.slice(0, 3).map((r) => `${r.rank}. ${r.account}, ${points(r.influence)}`).join("; ") || "Nobody yet.",
    open: true, table: table("Influence", [
    ["#", (r) => r.rank, ""], ["account", (r) => account(r.account), "name"], ["influence", (r) => points(r.influence), "number"], ["people", (r) => number(r.people_earned), "number"],
    ["shared by", (r) => number(r.amplification_earned), "number"], ["bought", (r) => (r.engagement ? percent(r.bought / r.engagement) : "–"), "number"],
  ], board) });
  if (why?.scores) view.panel("why", { title: `Why: the statement of ${shown(first.account, 30)}`, note: "The lines add up to its influence.", size: "half", table: statement("influence", why.statement.influence, why.scores.influence) });
  else view.drop("why");
  view.panel("next", { title: "What comes next", note: "Cascades by shares a minute, and where they are expected to end.", table: listing("Rising now", rising) });
  view.panel("risen", { title: "Out of the ordinary", size: "half", table: risen("Rises", trends.slice(0, 8)) });
  view.panel("campaigns", { title: "Campaigns", size: "half", table: table("Campaigns", [["campaign", (r) => link("campaigns", { id: r.campaign }, r.name || r.campaign), "name"], ["entrants", (r) => number(r.entrants), "number"], ["disclosed", (r) => (r.entries ? percent(r.disclosed / r.entries) : "–"), "number"], ["state", (r) => (r.final ? "final" : "live"), ""]], campaigns.slice(0, 8), { empty: "Nobody has entered a campaign." }) });
}
