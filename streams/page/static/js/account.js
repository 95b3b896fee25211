// One account: what makes its scores, line by line; what it gave and received; how that went over time.
import { lines } from "./charts.js";
import { link, number, percent, points, when } from "./dom.js";
import { facts, table } from "./panel.js";

export const title = "Account";

export async function show(view, { id = "", window }, ask, stale) {
  const found = await ask("account", { id, window });
  if (stale()) return;
  view.title(`Account ${found.account}`);
  const s = found.scores;
  if (!s) {
    for (const panel of ["numbers", "influence", "outreach", "ledger"]) view.drop(panel);
    view.say(`Nothing in the last ${window}; there is something over ${found.windows.join(", ")}.`);
  } else {
    view.say(
      `Over ${window} up to ${when(s.as_of)}: influence ${points(s.influence)}, outreach ${points(s.outreach)}. `,
      `${number(s.people)} people acted on it; it acted on ${number(s.given_people)}; ${number(s.mutual_people)} both ways.`,
      s.bought_followers ? ` Its followers look bought: ${number(s.follower_jump)} more on ${s.follower_jump_day}, with no engagement behind it.` : "",
    );
    view.panel("numbers", { title: "In short", body: [facts([
      ["influence", points(s.influence)], ["outreach", points(s.outreach)], ["received", number(s.engagement)],
      ["given", number(s.given)], ["balance", number(s.balance)],
      ["earned", s.engagement ? percent(s.engagement_earned / s.engagement) : "–"],
      ["returned within 7 days", percent(s.returned_share)], ["seen first", s.first_seen ? when(s.first_seen).slice(0, 10) : "–"],
    ])] });
    for (const [score, words] of [["influence", "what others do because of it"], ["outreach", "what it does for others"]]) {
      view.panel(score, { title: `Why ${points(s[score])} of 100: ${score}`, note: `Points for ${words}; they add up to the score.`, size: "half",
        table: statement(score, found.statement[score], s[score]) });
    }
    view.panel("ledger", { title: "Ledger", note: "What it received, by class, and what it gave.", size: "half", table: table(`Actions by kind over ${window}`, [
      ["kind", (r) => r.kind, ""], ["received", (r) => number(r.received), "number"], ["earned", (r) => number(r.earned), "number"],
      ["incentivised", (r) => number(r.incentivised), "number"], ["given", (r) => number(r.given), "number"],
    ], found.ledger) });
  }
  const series = (name) => found.history.map((r) => [r.at, r[name]]);
  view.panel("history", { title: `Received and given over the last ${window}`, size: "half",
    chart: () => lines({ "received, earned": series("earned"), "received, bought": series("bought"), given: series("given") }),
    alt: `Actions per step of time: ${number(total(found.history, "earned"))} earned, ${number(total(found.history, "bought"))} bought, ${number(total(found.history, "given"))} given.`,
    table: table("Actions per step", [["from", (r) => when(r.at), ""], ["earned", (r) => number(r.earned), "number"], ["bought", (r) => number(r.bought), "number"], ["given", (r) => number(r.given), "number"]], found.history),
  });
  view.panel("cascades", { title: "What it started", note: "Its largest cascades.", table: table("Cascades", [
    ["root", (r) => link("cascades", { root: r.root, kind: r.kind }, r.root), "name"], ["size", (r) => number(r.size), "number"],
    ["depth", (r) => number(r.depth), "number"], ["reach, at most", (r) => number(r.reach), "number"], ["last share", (r) => when(r.last_at), "number"],
  ], found.cascades, { empty: "Nobody has shared a post of it." }) });
}

const total = (rows, name) => rows.reduce((sum, r) => sum + r[name], 0);

export const statement = (score, parts, value) => table(`${score}, line by line`, [
  ["part", (r) => r.part, ""], ["points", (r) => points(r.points), "number"], ["for", (r) => r.doc, "words"],
], parts, { sum: ["sum", points(value), ""] });
