// Campaigns: who leads, how much of it was bought and said so, and what looks like gaming.
import { bars } from "./charts.js";
import { account, el, link, number, percent, shown, when } from "./dom.js";
import { facts, table } from "./panel.js";

export const title = "Campaigns";

export async function show(view, given, ask, stale) {
  if (given.id) return one(view, given, ask, stale);
  const rows = await ask("campaigns");
  if (stale()) return;
  view.say(rows.length ? "A name opens standings and honesty. Entries say so when they disclose what they are for, by the rule of the campaign." : "Nobody has entered a campaign; rules are files, see docs/campaigns.md.");
  view.panel("list", { title: "All campaigns", table: table("Campaigns, the newest first", [
    ["campaign", (r) => link("campaigns", { id: r.campaign }, r.name || r.campaign), "name"], ["kind", (r) => r.kind.replaceAll("_", " "), ""],
    ["from", (r) => when(r.start), ""], ["until", (r) => when(r.end), ""], ["state", (r) => (r.final ? "over" : "runs"), ""],
    ["entrants", (r) => number(r.entrants), "number"], ["entries", (r) => number(r.entries), "number"],
    ["entries that say so", (r) => (r.entries ? percent(r.disclosed / r.entries) : "–"), "number"], ["rewards", (r) => number(r.rewards), "number"],
  ], rows) });
}

async function one(view, { id }, ask, stale) {
  const found = await ask("campaign", { id });
  if (stale()) return;
  const c = found.campaign, lead = found.standings[0];
  view.title(c.name || c.campaign);
  view.say(c.final ? "Over. " : "It runs. ", c.prize ? `To win: ${c.prize}. ` : "", ...(lead && lead.rank ? [account(lead.account), ` leads with ${number(lead.points)} points.`] : []));
  view.panel("numbers", { title: "In short", body: [facts([
    ["entrants", number(c.entrants)], ["entries", number(c.entries)], ["that say what for", c.entries ? percent(c.disclosed / c.entries) : "–"],
    ["rewards", number(c.rewards)], ["lost again", number(c.revoked)], ["from", when(c.start)], ["until", when(c.end)],
  ])] });
  const first = found.standings.slice(0, 10);
  view.panel("standings", { title: "Standings", size: "half", chart: () => bars(first.map((r) => shown(r.account, 24)), { points: first.map((r) => r.points) }),
    alt: first.slice(0, 3).map((r) => `${r.rank}. ${r.account}, ${number(r.points)} points`).join("; ") || "Nobody yet.",
    table: table("Standings", [["#", (r) => (r.rank ? r.rank : "out"), ""], ["account", (r) => account(r.account), "name"], ["points", (r) => number(r.points), "number"],
      ["disclosed", (r) => number(r.disclosed), "number"], ["undisclosed", (r) => number(r.undisclosed), "number"], ["out for", (r) => r.disqualified || "", "words"]], found.standings) });
  const honest = { "earned": "earned", "bought and said so": (r) => r.incentivised - r.undisclosed, "bought, not said": "undisclosed" };
  view.panel("honesty", { title: "Earned or bought", note: "What carried the campaign further: shares, quotes and tags.", size: "half",
    chart: () => bars(found.amplification.map((r) => r.type), Object.fromEntries(Object.entries(honest).map(([name, of]) => [name, found.amplification.map((r) => (typeof of === "string" ? r[of] : of(r)))]))),
    alt: found.amplification.map((r) => `${r.type}: ${number(r.earned)} earned, ${number(r.incentivised)} bought`).join("; ") || "Nothing carried it further.",
    table: table("Amplification", [["type", (r) => r.type, ""], ["all", (r) => number(r.events), "number"], ["people", (r) => number(r.people), "number"], ["earned", (r) => number(r.earned), "number"], ["bought", (r) => number(r.incentivised), "number"], ["not said", (r) => number(r.undisclosed), "number"]], found.amplification, { empty: "Nobody shared, quoted or tagged for it." }) });
  view.panel("signals", { title: "What looks like gaming", size: "half", table: table("Signals", [["account", (r) => account(r.account), "name"], ["signal", (r) => r.signal.replaceAll("_", " "), ""], ["times", (r) => number(r.count), "number"], ["evidence", (r) => el("bdi", {}, r.evidence), "words"]], found.signals, { empty: "Nothing does." }) });
  view.panel("rewards", { title: "Rewards", size: "half", table: table("Rewards, the latest first", [["account", (r) => account(r.account), "name"], ["what for", (r) => el("bdi", {}, r.which), "words"], ["at", (r) => when(r.at), ""], ["lost", (r) => (r.revoked_at ? `${when(r.revoked_at)}, ${r.reason}` : ""), "words"]], found.rewards, { empty: "None given yet." }) });
}
