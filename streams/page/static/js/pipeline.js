// Is what is shown complete, and how old is it?
import { duration, el, number, when } from "./dom.js";
import { facts, table } from "./panel.js";

export const title = "Pipeline";

export async function show(view, given, ask, stale) {
  const found = await ask("pipeline");
  if (stale()) return;
  const sum = (name) => found.conservation.reduce((total, r) => total + Number(r[name]), 0);
  const residue = sum("residue"), age = found.newest ? found.now - Date.parse(found.newest.received_at) / 1000 : null;
  view.say(residue === 0 ? "Every record read is accepted, a duplicate, or a dead letter." : `${number(residue)} records are on their way: read, not accepted yet.`);
  view.panel("numbers", { title: "In short", body: [facts([
    ["read", number(sum("read"))], ["accepted", number(sum("accepted"))], ["duplicates", number(sum("duplicates"))], ["dead letters", number(sum("dead_letters"))],
    ["residue", number(residue), residue === 0 ? "good" : "bad"], ["newest event", found.newest ? when(found.newest.event_at) : "–"],
    ["since a record came", age === null ? "–" : duration(age)],
  ])] });
  view.panel("conservation", { title: "Conservation", note: "Read, less what became of it, is zero when all has passed.", size: "half", table: table("By input partition", [
    ["partition", (r) => r.source_partition, ""], ["read", (r) => number(r.read), "number"], ["accepted", (r) => number(r.accepted), "number"], ["duplicates", (r) => number(r.duplicates), "number"], ["dead letters", (r) => number(r.dead_letters), "number"], ["residue", (r) => number(r.residue), "number"],
  ], found.conservation) });
  view.panel("letters", { title: "Dead letters", size: "half", table: table("By reason", [["reason", (r) => r.reason.replaceAll("_", " "), ""], ["records", (r) => number(r.records), "number"], ["newest", (r) => when(r.newest), ""], ["for example", (r) => el("bdi", {}, r.detail), "words"]], found.dead_letters, { empty: "None: every record could be used." }) });
  view.panel("tables", { title: "Tables", note: "Rows as stored; those that were replaced count until ClickHouse merges them.", table: table("Tables", [["table", (r) => r.table, ""], ["rows", (r) => number(r.rows), "number"], ["parts", (r) => number(r.parts), "number"], ["MB", (r) => number(r.bytes / 1e6), "number"], ["written", (r) => when(r.written_at), ""], ["what", (r) => r.doc, "words"]], found.tables) });
}
