// One account: what makes its scores, line by line; what it gave and received; how that went over time.
import { lines } from "./charts.js";
import { link, number, percent, points, span, when } from "./dom.js";
import { facts, table } from "./panel.js";

export const title = "Account";

export async function show(view, { id = "", window }, ask, stale) {
  const found = await ask("account", { id, window });
  if (stale()) return;
  view.title(`Account ${found.account}`);
  const s = found.scores;
  if (!s) {
    for (const panel of ["numbers", "influence", "outreach", "ledger"]) view.drop(panel);
    view.say(`Nothing in the last ${span(window)}; there is something over ${found.windows.map(span).join(", ")}.`);
  } else {
    view.say(
      `Influence ${points(s.influence)} of 100: what others do because of it. Outreach ${points(s.outreach)} of 100: what it does for others. `,
      `In the ${span(window)} up to ${when(s.as_of)} ${number(s.people)} people acted on it, and it acted on ${number(s.given_people)}; ${number(s.mutual_people)} both ways.`,
      s.bought_followers ? ` Its followers look bought: ${number(s.follower_jump)} more on ${s.follower_jump_day}, with no engagement behind it.` : "",
    );
    view.panel("numbers", { title: "In short", body: [facts([
      ["influence", points(s.influence)], ["outreach", points(s.outreach)], ["received", number(s.engagement)],
      ["given", number(s.given)], ["given less received", number(s.balance)],
      ["not paid for", s.engagement ? percent(s.engagement_earned / s.engagement) : "–"],
      ["returned within 7 days", percent(s.returned_share)], ["seen first", s.first_seen ? when(s.first_seen).slice(0, 10) : "–"],
    ])] });
    for (const [score, words] of [["influence", "what others do because of it"], ["outreach", "what it does for others"]]) {
      view.panel(score, { title: `Why ${points(s[score])} of 100: ${score}`, note: `Points for ${words}; they add up to the score.`, size: "half",
        table: statement(score, found.statement[score], s[score]) });
    }
    view.panel("ledger", { title: "Ledger", note: "What it received, and gave. Not paid for: no payment was declared or recognised.", size: "half", table: table(`Actions by kind over ${span(window)}`, [
      ["kind", (r) => r.kind, ""], ["received", (r) => number(r.received), "number"], ["not paid for", (r) => number(r.earned), "number"],
      ["paid for", (r) => number(r.incentivised), "number"], ["given", (r) => number(r.given), "number"],
    ], found.ledger) });
  }
  const series = (name) => found.history.map((r) => [r.at, r[name]]);
  view.panel("history", { title: `Received and given over ${span(window)}`, size: "half",
    chart: () => lines({ "received, not paid for": series("earned"), "received, paid for": series("bought"), given: series("given") }),
    alt: `Received per step of time: ${number(total(found.history, "earned"))} not paid for, ${number(total(found.history, "bought"))} paid for; given: ${number(total(found.history, "given"))}.`,
    table: table("Actions per step", [["from", (r) => when(r.at), ""], ["not paid for", (r) => number(r.earned), "number"], ["paid for", (r) => number(r.bought), "number"], ["given", (r) => number(r.given), "number"]], found.history),
  });
  view.panel("cascades", { title: "What it started", note: "Its posts that were passed on most.", table: table("Cascades", [
    ["post", (r) => link("cascades", { root: r.root, kind: r.kind }, r.root), "name"], ["shares", (r) => number(r.size), "number"],
    ["steps deep", (r) => number(r.depth), "number"], ["seen by, at most", (r) => number(r.reach), "number"], ["last share", (r) => when(r.last_at), "number"],
  ], found.cascades, { empty: "Nobody has shared a post of it." }) });
}

const total = (rows, name) => rows.reduce((sum, r) => sum + r[name], 0);

export const statement = (score, parts, value) => table(`${score}, line by line`, [
  ["part", (r) => r.part, ""], ["points", (r) => points(r.points), "number"], ["for", (r) => r.doc, "words"],
], parts, { sum: ["sum", points(value), ""] });
