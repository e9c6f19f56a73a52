/** The alarm and the sweep: somebody always looks in time. */
import { type Break, edit } from "../break.ts";

const ALARM = "src/domain/alarm.ts";
const ALARMS = "src/runtime/alarms.ts";
const SWEEP = "src/runtime/sweep.ts";
const SETTLE = "src/runtime/settle.ts";
const ENQUEUE = "src/runtime/enqueue.ts";
const DELIVER = "src/runtime/deliver.ts";

export const alarms: readonly Break[] = [
  {
    name: "leaves an alarm standing that is past",
    rule: "† an instant already past counts as unset",
    by: "simulation",
    edits: [
      edit(ALARM, "return atMs === null || atMs <= nowMs || atMs > need.atMs;", "return atMs === null || atMs > need.atMs;"),
    ],
  },
  {
    name: "puts off an alarm before a commit that it may lose",
    rule: "a worker moves DUE only earlier before its commit",
    by: "simulation",
    edits: [edit(ALARM, "return { ...need, atMs: Math.min(need.atMs, given.nowMs + ALARM_OWED_MS) };", "return need;")],
  },
  {
    name: "commits without the alarm that it needs",
    rule: "G3, DUE before the commit that needs it",
    by: "simulation",
    edits: [edit("src/runtime/session.ts", "    await ringBy(deps, partition, soon);\n", "")],
  },
  {
    name: "sweeps: moves the alarm before it sends what is owed",
    rule: "G3, the sweeper sends before it moves DUE",
    by: "simulation",
    edits: [
      edit(
        SWEEP,
        "      if (todo.hint !== null) {",
        "      await writeDue(deps, partition, todo.next, revision);\n      if (todo.hint !== null) {",
      ),
      edit(
        SWEEP,
        "        swept.hinted += 1;\n      }\n      await writeDue(deps, partition, todo.next, revision);\n",
        "        swept.hinted += 1;\n      }\n",
      ),
    ],
  },
  {
    name: "sweeps: reads the clock and the alarm after the item",
    rule: "† the sweeper reads DUE strictly before the rest",
    by: "interleavings",
    tests: { file: "test/interleavings/signals.test.ts", named: "took its time" },
    edits: [
      edit(
        SWEEP,
        "  const reckoning = reckoningOf(deps);\n  const { nowMs } = reckoning;\n  const { due, revision } = await readDue(deps, partition);\n" +
          "  if (due === null || due.atMs === null || due.atMs > nowMs) return;\n  const live = await readLive(deps, workId);\n",
        "  const live = await readLive(deps, workId);\n  const { due, revision } = await readDue(deps, partition);\n" +
          "  const reckoning = reckoningOf(deps);\n  const { nowMs } = reckoning;\n" +
          "  if (due === null || due.atMs === null || due.atMs > nowMs) return;\n",
      ),
    ],
  },
  {
    name: "sweeps: sees no inbox",
    rule: "G3, what came in is owed a hint",
    by: "interleavings",
    tests: { file: "test/interleavings/signals.test.ts", named: "sweeper" },
    edits: [edit(SWEEP, "told || isOwed(live, nowMs), reckoning", "told, reckoning")],
  },
  {
    name: "settles an end without its last look at the inbox",
    rule: "G3, a redrive that saw an alarm early enough",
    by: "interleavings",
    tests: { file: "test/interleavings/ends.test.ts", named: "finds the alarm early enough" },
    edits: [
      edit(
        SETTLE,
        "if (!(await cameMeanwhile(deps, live, expiresAtMs !== null))) return true;",
        "if (live.item !== null) return true;",
      ),
    ],
  },
  {
    name: "settles an end without moving the alarm",
    rule: "G3, DUE says what is done",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts" },
    edits: [
      edit(
        SETTLE,
        "    if (!(await writeDue(deps, partition, retentionAlarm(live.head, forgetAtMs), revision, expiresAtMs)).ok) continue;\n",
        "    retentionAlarm(live.head, forgetAtMs ?? revision === null ? 0 : 1);\n    writeDue;\n",
      ),
    ],
  },
  {
    name: "lets a retention alarm stand for a redriven item",
    rule: "retention says that nothing is owed: it does not stay",
    by: "interleavings",
    tests: { file: "test/interleavings/ends.test.ts", named: "end of its memory" },
    edits: [edit(ALARMS, 'if (due?.why !== "retention" && !needsRewrite', "if (!needsRewrite")],
  },
  {
    name: "makes an item before its alarm",
    rule: "G3, enqueue: DUE, then ITEM, then the hint",
    by: "simulation",
    edits: [
      edit(ENQUEUE, "  await setAlarm(deps, partition, due);\n", ""),
      edit(
        ENQUEUE,
        "  await sendNext(deps, item, head);\n  // What",
        "  await setAlarm(deps, partition, due);\n  await sendNext(deps, item, head);\n  // What",
      ),
    ],
  },
  {
    name: "puts a thing into the inbox and sets no alarm",
    rule: "G3, from outside: DUE within 60 s",
    by: "interleavings",
    tests: { file: "test/interleavings/signals.test.ts", named: "sweeper" },
    edits: [edit(DELIVER, "  await ringBy(deps, partition, inboxAlarm(version, nowMs), deps.settings.leaseDurationMs);\n", "")],
  },
];
