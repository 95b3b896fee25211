// Within a minute: who matters here, why, and what happens next.
import { account, el, link, listed, number, percent, plural, points, shown, span, when } from "./dom.js";
import { statement } from "./account.js";
import { early, ending, forecasts, listing } from "./cascades.js";
import { table } from "./panel.js";
import { named, risen } from "./trends.js";

export const title = "Who matters, why, and what comes next";

export async function show(view, { window }, ask, stale) {
  const [board, rising, { trends }, { measures }, campaigns] = await Promise.all([
    ask("leaderboard", { board: "influence", window, limit: 6 }), ask("cascades", { order: "rising", limit: 5 }), ask("trends", { window }),
    ask("concentration", { window }), ask("campaigns")]);
  if (stale()) return;
  const first = board[0], next = rising.find((r) => r.growing), told = next ?? rising[0];
  const [why, story] = await Promise.all([
    first ? ask("account", { id: first.account, window }) : null, told ? ask("cascade", { root: told.root, kind: told.kind }) : null]);
  if (stale()) return;
  view.say(...[["Who", who(board, window)], ["Why", why?.scores ? because(why, window) : null], ["Next", coming(next, story, trends.filter((r) => !r.ended_at))]]
    .filter(([, said]) => said).map(([question, said]) => el("p", {}, el("strong", {}, question), " ", el("span", {}, said))));
  const spread = measures.find((r) => r.measure === "engagement");
  view.panel("who", { title: "Who matters", size: "half",
    note: `Influence, 0 to 100: what others do because of an account.${spread ? ` Over ${span(window)} the top 1 % of accounts got ${percent(spread.top_1_percent_share)} of all attention.` : ""}`,
    table: table("Influence", [
      ["#", (r) => r.rank, ""], ["account", (r) => account(r.account), "name"],
      ["influence", (r) => [el("meter", { min: 0, max: 100, value: r.influence, "aria-hidden": "true" }), " ", points(r.influence)], "number"],
      ["people", (r) => number(r.people_earned), "number"], ...(board.some((r) => r.bought) ? [["paid for", (r) => percent(r.bought / r.engagement), "number"]] : []),
    ], board) });
  if (why?.scores) view.panel("why", { title: `Why ${shown(first.account, 30)} has ${points(why.scores.influence)}`, size: "half",
    note: "The points add up. In the part people, ten times as many make 25 points more; who acts often counts less each time.",
    table: statement("influence", why.statement.influence.filter((r) => r.points), why.scores.influence) });
  else view.drop("why");
  view.panel("next", { title: "What comes next", note: "Posts that were passed on: how many shares are expected in the end, or that they have come to rest.", size: "half",
    table: el("div", {}, listing("Spreading now", rising, true), el("h3", {}, "Out of the ordinary"), risen("Rises", trends.slice(0, 5))) });
  if (story) forecasts(view, story);
  else view.drop("growth");
  view.panel("campaigns", { title: "Campaigns", table: table("Campaigns", [["campaign", (r) => link("campaigns", { id: r.campaign }, r.name || r.campaign), "name"], ["entrants", (r) => number(r.entrants), "number"], ["until", (r) => when(r.end), ""], ["state", (r) => (r.final ? "over" : "runs"), ""]], campaigns.slice(0, 8), { empty: "Nobody has entered a campaign." }) });
}

function who(board, window) {
  if (!board.length) return `Nothing was received over ${span(window)} yet. Feed events, or choose a longer period.`;
  const others = board.slice(1, 3).flatMap((r, i) => [i ? " and " : ", ahead of ", account(r.account)]);
  return ["Account ", account(board[0].account), ` matters most: others act on it more than on anybody else. Influence ${points(board[0].influence)} of 100`, ...others, "."];
}

function because({ scores, ledger }, window) {
  const got = ledger.filter((r) => r.received).sort((a, b) => b.received - a.received).slice(0, 3).map((r) => `${number(r.received)} ${r.received === 1 ? r.kind : plural(r.kind)}`);
  const price = scores.engagement_incentivised ? `${percent(scores.engagement_incentivised / scores.engagement)} of it was paid for` : "no payment for it was declared or recognised";
  return got.length ? `In the ${span(window)} up to ${when(scores.as_of)} it received ${listed(got)}, from ${number(scores.people)} people; ${price}.` : null;
}

function coming(next, story, rises) {
  if (next) return [link("cascades", { root: next.root, kind: next.kind }, next.root), next.unbounded ? ` has ${number(next.size)} shares and grows without bound in sight.` : ` has ${number(next.size)} shares and heads for ${ending(next)}.`];
  if (rises.length) return [named(rises[0]), " is rising."];
  if (!story) return "No post has been passed on yet.";
  const c = story.cascade;
  return ["No single post is spreading now. The largest so far, ", link("cascades", { root: c.root, kind: c.kind }, c.root), `, came to ${number(c.size)} shares by ${when(c.last_at)}`, early(story), "."];
}
