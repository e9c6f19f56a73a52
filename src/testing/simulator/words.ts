/** What was done to a process, for a person who knows the engines and not the runtime. */
import type { PortCall } from "../../adapters/memory/intercept.ts";
import { assertNever } from "../../domain/errors.ts";
import { parseItemPartition } from "../../domain/ids.ts";
import { COMMAND_RANGE, DUE_KEY, EFFECT_RANGE, HEAD_KEY, INBOX_RANGE, ITEM_KEY, LEASE_KEY } from "../../domain/keys.ts";
import type { Injected } from "./stage.ts";
import { fieldOf } from "./trace.ts";

/** One line: when, where in the work, and what. `engineOf` names the engine of a work item. */
export function tellInjected(one: Injected, engineOf: (workId: string) => string): string {
  const at = `${(one.atMs / 1_000).toFixed(3)} s`;
  const during = one.during === "" ? "" : `, while it ran ${one.during}`;
  return `${at}: ${deed(one, engineOf)}${during}`;
}

function deed({ kind, who, what, call }: Injected, engineOf: (workId: string) => string): string {
  const place = call === null ? what : callInWords(call, engineOf);
  switch (kind) {
    case "crashBefore":
      return `${who} died before ${place}`;
    case "crashAfter":
      return `${who} died after ${place}`;
    case "lostAnswer":
      return `the answer to ${place} of ${who} was lost, and it was made again`;
    case "failBefore":
      return `${place} of ${who} failed`;
    case "failAfter":
      return `${place} of ${who} took effect, and its answer was lost`;
    case "freeze":
      return `${who} stood still for ${what.split(",")[0]} at ${place}`;
    case "hintTwice":
      return `${place} came twice`;
    case "hintLate":
      return `${place} came late`;
    case "hintLost":
      return `${place} was lost`;
    case "lapse":
      return `a message that ${who} worked on was given to another worker as well`;
    case "outage":
      return `out of reach: ${what}`;
    case "clockJump":
      return `the clock of ${who} was set, ${what}`;
    case "blobGone":
      return "a blob was missing for a while";
    case "deploy":
      return "the next release was deployed";
    case "dies":
      return `${who} died of itself: ${what}`;
    case "slow":
      return `${place} of ${who} was slow`;
    case "indexLagMs":
      return "the indexes were late";
    default:
      return assertNever(kind);
  }
}

function callInWords({ port, method, args }: PortCall, engineOf: (workId: string) => string): string {
  const [first] = args;
  if (method === "send") return `a hint for ${named(String(fieldOf(parsed(first), "id")), engineOf)}`;
  if (port === "queue") return `a call of the queue (${method})`;
  if (port === "blobs") return method === "put" ? "storing a blob" : "reading a blob";
  if (method === "read" || method === "due" || method === "list") return `a read of ${ofPartition(String(first), engineOf)}`;
  const item = ofPartition(String(fieldOf(first, "partition")), engineOf);
  return `${recordInWords(String(fieldOf(first, "sort")), fieldOf(first, "body"))} of ${item}`;
}
function recordInWords(sort: string, body: unknown): string {
  if (sort.startsWith(EFFECT_RANGE.from))
    return effectInWords(String(fieldOf(body, "key")), fieldOf(fieldOf(body, "state"), "kind"));
  if (sort.startsWith("once/")) return `writing down the memo "${String(fieldOf(body, "key"))}"`;
  if (sort.startsWith(INBOX_RANGE.from) || sort.startsWith(COMMAND_RANGE.from) || sort.startsWith("seen/"))
    return "a write about something that came in";
  switch (sort) {
    case HEAD_KEY:
      return `the commit of version ${String(fieldOf(body, "version") ?? 0)} (${String(fieldOf(fieldOf(body, "status"), "kind"))})`;
    case LEASE_KEY:
      return "the claim, or its renewal,";
    case DUE_KEY:
      return "setting the alarm";
    case ITEM_KEY:
      return "the enqueue";
    default:
      return `writing ${sort.split("/")[0] ?? sort}`;
  }
}
function effectInWords(key: string, state: unknown): string {
  switch (state) {
    case "reserved":
      return `reserving the effect "${key}", before its code`;
    case "confirmed":
      return `writing down the result of the effect "${key}", after its code,`;
    case "in_doubt":
      return `writing down that the effect "${key}" is in doubt`;
    default:
      return `writing down that the effect "${key}" did not happen`;
  }
}
function ofPartition(partition: string, engineOf: (workId: string) => string): string {
  const at = parseItemPartition(partition);
  return at === null ? partition : named(at.workId, engineOf);
}
function named(workId: string, engineOf: (workId: string) => string): string {
  return `${engineOf(workId)} ${workId}`;
}
function parsed(text: unknown): unknown {
  return JSON.parse(String(text));
}
