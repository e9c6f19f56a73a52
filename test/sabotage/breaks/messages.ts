/** Messages: which are claimed, hidden and deleted, and when the next one is sent. */
import { type Break, edit } from "../break.ts";

const DECIDE = "src/domain/decide.ts";
const WORK = "src/runtime/work.ts";
const LOOP = "src/runtime/loop.ts";

export const messages: readonly Break[] = [
  {
    name: "deletes the message of the holder at work",
    rule: "† lease live, same message: hide",
    by: "simulation",
    edits: [edit(DECIDE, "if (lease.messageId !== hand.messageId)", 'if (lease.messageId !== "")')],
  },
  {
    name: "hides a copy while somebody is at work",
    rule: "† lease live, another message: delete",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts", named: "slow steps" },
    edits: [
      edit(
        DECIDE,
        'return { kind: "delete", why: "somebody is at work, with a message of their own", isCopy: true };',
        'return { kind: "hide", delayMs: clampDelay(lease.expiresAtMs - nowMs), why: "somebody is at work" };',
      ),
    ],
  },
  {
    name: "claims nothing for a command",
    rule: "† a command in the inbox: claim, whatever the status",
    by: "simulation",
    edits: [edit(DECIDE, "isEnded(status) || inbox.length > 0 || isOverdue", "isEnded(status) || isOverdue")],
  },
  {
    name: "hides every copy of a sleeper's wake",
    rule: "† asleep, for another version: delete",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts", named: "by sleep" },
    edits: [edit(DECIDE, "return standsForWake\n", "return standsForWake || delayMs > 0\n")],
  },
  {
    name: "deletes a dying holder's message as its item sleeps",
    rule: "† asleep, LEASE names it: hide",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts", named: "by sleep" },
    edits: [
      edit(
        DECIDE,
        "return whileAsleep(status.wakeAtMs - nowMs, maxDelayMs, named || isOfThis(hand, head));",
        "return whileAsleep(status.wakeAtMs - nowMs, maxDelayMs, isOfThis(hand, head));",
      ),
    ],
  },
  {
    name: "claims by a hint of an older snapshot",
    rule: "† ready, older hint that LEASE does not name: delete",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts", named: "by yield" },
    edits: [edit(DECIDE, "if (!named && isOfEarlier(hand, head))", "if (lease === undefined)")],
  },
  {
    name: "deletes the named message of an older snapshot",
    rule: "† ready, older hint that LEASE names: claim",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts" },
    edits: [edit(DECIDE, "if (!named && isOfEarlier(hand, head))", "if (isOfEarlier(hand, head))")],
  },
  {
    name: "tells hints of one version not apart by token",
    rule: "† copies die out: the hint's token",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts", named: "by retry" },
    edits: [edit(DECIDE, "return token !== null && token < head.token && head.released;", "return false;")],
  },
  {
    name: "keeps the hints of ended items",
    rule: "bound: hints die out",
    by: "simulation",
    edits: [
      edit(
        DECIDE,
        '{ kind: "delete", why: "ended, nothing owed", isCopy: false }',
        '{ kind: "hide", delayMs: 60_000, why: "ended" }',
      ),
    ],
  },
  {
    name: "starts a step up to a minute before its wake",
    rule: "G7, sleeping",
    by: "simulation",
    edits: [edit(DECIDE, "if (status.wakeAtMs <= nowMs) return claim", "if (status.wakeAtMs <= nowMs + 60_000) return claim")],
  },
  {
    name: "sends the next hint before the commit",
    rule: "† hop: commit first, then send",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts" },
    edits: [
      edit(WORK, "  await sendNext(deps, item, session.head, hops);\n  if (isEnded", "  if (isEnded"),
      edit(
        LOOP,
        'import { hintNext } from "./turns.ts";',
        'import { hintNext } from "./turns.ts";\nimport { sendNext } from "./hints.ts";',
      ),
      edit(
        LOOP,
        "  return commit(session, change, options);",
        "  const { deps, item, lease } = session;\n" +
          "  if (options.release) await sendNext(deps, item, { ...change.next, token: lease.token });\n" +
          "  return commit(session, change, options);",
      ),
    ],
  },
  {
    name: "sends no hint after a releasing commit",
    rule: "G3, hop",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts" },
    edits: [edit(WORK, "  await sendNext(deps, item, session.head, hops);\n  if (isEnded", "  if (isEnded")],
  },
  {
    name: "does not look after a releasing commit",
    rule: "† look at DUE and the inbox after every releasing commit",
    by: "interleavings",
    tests: { file: "test/interleavings/signals.test.ts" },
    edits: [edit(WORK, "if (await isQuiet(deps, item)) return true;", "if (deps !== undefined) return true;")],
  },
  {
    name: "looks at the clock and DUE after HEAD and inbox",
    rule: "† the look reads DUE strictly before HEAD and inbox",
    by: "interleavings",
    tests: { file: "test/interleavings/signals.test.ts", named: "takes its time" },
    edits: [
      edit(
        WORK,
        "    const reckoning = reckoningOf(deps);\n    const { nowMs } = reckoning;\n    const { due, revision } = await readDue(deps, partition);\n" +
          "    const live = await readLive(deps, item.workId);\n",
        "    const live = await readLive(deps, item.workId);\n    const { due, revision } = await readDue(deps, partition);\n" +
          "    const reckoning = reckoningOf(deps);\n    const { nowMs } = reckoning;\n",
      ),
    ],
  },
  {
    name: "gives others a turn without leaving a message",
    rule: "G3, a turn's share",
    by: "interleavings",
    tests: { file: "test/interleavings/signals.test.ts", named: "against a wait" },
    edits: [edit(WORK, 'if (status.kind !== "ready") await sendHint(deps, item, null, 0);', "")],
  },
];
