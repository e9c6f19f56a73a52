/** Effects and keys: what is in doubt, and what belongs to which life. */
import { type Break, edit } from "../break.ts";

const CALL = "src/runtime/effect-call.ts";
const EFFECT = "src/domain/effect.ts";
const LEDGER = "src/runtime/effect-ledger.ts";
const ENQUEUE = "src/runtime/enqueue.ts";
const TRANSITION = "src/domain/transition.ts";

export const effects: readonly Break[] = [
  {
    name: "runs an effect without a look at LEASE",
    rule: "† reserve, then read LEASE: not ours, do not run",
    by: "interleavings",
    tests: { file: "test/interleavings/effects.test.ts" },
    edits: [edit(CALL, "  if (!(await ofLedger(call, () => holdsLease(scope)))) lostLease(call);\n", "")],
  },
  {
    name: "runs an effect before it is reserved",
    rule: "G6, the reservation comes first",
    by: "simulation",
    edits: [
      edit(
        CALL,
        "  const untilAtMs = call.part.scope.deps.clock.nowMs() + call.timeoutMs;\n",
        "  const untilAtMs = call.part.scope.deps.clock.nowMs() + call.timeoutMs;\n" +
          "  const early = callWithin(call.part.scope, { ...call, ms: call.timeoutMs }, call.run);\n",
      ),
      edit(
        CALL,
        "return concluded(call, reservation, await callWithin(call.part.scope, { ...call, ms }, call.run));",
        "return concluded(call, reservation, await (ms > 0 ? early : early));",
      ),
    ],
  },
  {
    name: "runs an effect again that is in doubt",
    rule: "G6, ifInDoubt decides",
    by: "simulation",
    edits: [
      edit(
        CALL,
        '  if (call.ifInDoubt === "park") return interrupted(call, why, null);\n  if (call.ifInDoubt !== "rerun") return ask(call, doubt, call.ifInDoubt);\n',
        "",
      ),
    ],
  },
  {
    name: "does not wait for the time of a dead attempt's effect",
    rule: "G6, only after its until it is in doubt",
    by: "interleavings",
    tests: { file: "test/interleavings/effects.test.ts", named: "takes its time" },
    edits: [
      edit(
        EFFECT,
        "return record.token === token || holderGone || untilAtMs <= nowMs;",
        "return record.token === token || holderGone || untilAtMs <= nowMs + 86_400_000;",
      ),
    ],
  },
  {
    name: "takes any throw for did-not-happen",
    rule: "† any other throw is in doubt",
    by: "simulation",
    edits: [
      edit(
        CALL,
        "if (isDidNotHappen(end.error)) return didNotHappen",
        "if (isDidNotHappen(end.error) || end.error instanceof Error) return didNotHappen",
      ),
    ],
  },
  {
    name: "goes on by itself with a parked effect",
    rule: "G6, the item waits for an operator",
    by: "simulation",
    edits: [
      edit(
        TRANSITION,
        'const status = { kind: "paused", sinceMs: from.nowMs, reason: why, beneath: { kind: "ready" } } as const;',
        'const status = { kind: "ready" } as const;',
      ),
    ],
  },
  {
    name: "says the same outside for every life of a key",
    rule: "G5, an idempotency key has the work id in it",
    by: "simulation",
    edits: [edit(EFFECT, "  const recovery = recoveringSinceMs", '  workId = "any";\n  const recovery = recoveringSinceMs')],
  },
  {
    name: "keeps an effect's ledger for all lives of a key",
    rule: "G5, nothing of an old life answers for a new one",
    by: "simulation",
    edits: [
      edit(
        LEDGER,
        "  const { deps, partition, head, token, attempt } = scope;\n",
        '  const { deps, head, token, attempt } = scope;\n  const partition = scope.item.key === null ? scope.partition : "test/LEDGER/" + scope.item.key;\n',
      ),
    ],
  },
  {
    name: "keeps memos for all lives of a key",
    rule: "G5, nothing of an old life answers for a new one",
    by: "simulation",
    edits: [
      edit(
        "src/runtime/step-context.ts",
        "  const { deps, partition, head } = scope;\n  if (typeof key",
        '  const { deps, head } = scope;\n  const partition = scope.item.key === null ? scope.partition : "test/MEMO/" + scope.item.key;\n  if (typeof key',
      ),
    ],
  },
  {
    name: "remembers the key of an ended item for ever",
    rule: "G5 and G7, remembered until an instant",
    by: "simulation",
    edits: [edit(ENQUEUE, '    if (until !== null && until <= nowMs) return "replace";\n', "")],
  },
  {
    name: "forgets a key as its item ends",
    rule: "G5, remembered until an instant",
    by: "simulation",
    edits: [edit(ENQUEUE, 'if (until !== null && until <= nowMs) return "replace";', 'if (until !== null) return "replace";')],
  },
  {
    name: "remembers a key until the store has collected it",
    rule: "G7, the store's TTL decides nothing",
    by: "simulation",
    edits: [
      edit(
        ENQUEUE,
        'if (until !== null && until <= nowMs) return "replace";',
        'if (until !== null && (record.expiresAtMs ?? until) <= nowMs) return "replace";',
      ),
    ],
  },
  {
    name: "takes an item away from HEAD on",
    rule: "G1, ITEM goes before HEAD: without it nothing runs",
    by: "simulation",
    edits: [
      edit(
        "src/runtime/collect.ts",
        "const LAST = [ITEM_KEY, HEAD_KEY, DUE_KEY];",
        "const LAST = [HEAD_KEY, ITEM_KEY, DUE_KEY];",
      ),
    ],
  },
];
