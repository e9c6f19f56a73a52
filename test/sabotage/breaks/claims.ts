/** Leases, fences, attempts and what is committed under them. */
import { type Break, edit } from "../break.ts";

const WORK = "src/runtime/work.ts";
const LOOP = "src/runtime/loop.ts";
const SESSION = "src/runtime/session.ts";
const HEARTBEAT = "src/runtime/heartbeat.ts";
const LEASE = "src/domain/lease.ts";
const DECIDE = "src/domain/decide.ts";
const TRANSITION = "src/domain/transition.ts";
const RECORDS = "src/runtime/records.ts";

export const claims: readonly Break[] = [
  {
    name: "takes a lost claim for a won one",
    rule: "† lost the write: read again and decide afresh",
    by: "simulation",
    edits: [edit(SESSION, "  if (!written.ok) return null;\n", "")],
  },
  {
    name: "runs a step on a lease that it took over unfenced",
    rule: "† a takeover commits HEAD first",
    by: "simulation",
    edits: [edit(LOOP, 'if (claiming.takeOver !== null) inputs.unshift({ kind: "took_over", ...claiming.takeOver });', "")],
  },
  {
    name: "decides about its own live lease as anybody",
    rule: "† own lease live: claim anew",
    by: "interleavings",
    tests: {
      file: "test/interleavings/steps.test.ts",
      named: "comes late",
      schedules: 1_000,
    },
    edits: [
      edit(
        WORK,
        "const mine = own !== null && lease !== null",
        "const mine = lease === undefined && own !== null && lease !== null",
      ),
    ],
  },
  {
    name: "drops its message when it lost a commit",
    rule: "† lost commit: read again and decide anew",
    by: "interleavings",
    tests: { file: "test/interleavings/steps.test.ts" },
    edits: [
      edit(
        WORK,
        "if (own === null || own.lost) break;",
        "if (own?.lost === true) return remove(deps, message);\n        if (own === null) break;",
      ),
    ],
  },
  {
    name: "commits HEAD whatever its revision",
    rule: "G1, a commit's condition",
    by: "simulation",
    edits: [
      edit(
        RECORDS,
        "  const written = await patiently(deps, () => deps.store.write(record, expected));\n",
        "  let written = await patiently(deps, () => deps.store.write(record, expected));\n" +
          '  if (!written.ok && written.current !== null && sort.endsWith("HEAD"))\n' +
          "    written = await deps.store.write(record, written.current.revision);\n",
      ),
    ],
  },
  {
    name: "takes its own lost answer for a conflict",
    rule: "G1, lost answers",
    by: "history",
    edits: [
      edit(
        RECORDS,
        "  if (!written.ok && written.current?.writeId === record.writeId) return { ok: true, revision: written.current.revision };\n",
        "",
      ),
    ],
  },
  {
    name: "takes a live holder for gone",
    rule: "G4, one worker at a time",
    by: "simulation",
    edits: [
      edit(
        WORK,
        "const holderGone = mine || (lease !== null && deps.processes.isGone(lease.holder));",
        "const holderGone = true;",
      ),
    ],
  },
  {
    name: "gives every claim the token of the one before",
    rule: "G4, fencing tokens rise",
    by: "simulation",
    edits: [edit(SESSION, "tokenAfter(live.lease?.token ?? 0, head.token)", "tokenAfter(head.token)")],
  },
  {
    name: "counts a claimed attempt after the work",
    rule: "G2, counted first (LEASE)",
    by: "simulation",
    edits: [
      edit(
        SESSION,
        "...encodeLease(lease) }, live.revisions.lease, lease.token);",
        "...encodeLease({ ...lease, attempt: null }) }, live.revisions.lease, lease.token);",
      ),
    ],
  },
  {
    name: "counts an inline attempt after the work",
    rule: "† a commit that does not release is the next attempt",
    by: "simulation",
    edits: [edit(SESSION, "attempt: next.attempt + (options.release ? 0 : 1),", "attempt: next.attempt,")],
  },
  {
    name: "extends a lease that has expired",
    rule: "G4, an expired lease is only claimed anew",
    by: "simulation",
    edits: [edit(HEARTBEAT, "if (session.lease.expiresAtMs <= deps.clock.nowMs()) {", "if (session.lost) {")],
  },
  {
    name: "beats on while it releases, and drops lost claims",
    rule: "† heartbeats stop before a releasing commit",
    by: "interleavings",
    tests: {
      file: "test/interleavings/steps.test.ts",
      named: "slow steps that give way after each end under nothing",
    },
    edits: [
      edit(LOOP, "    await heartbeat.stop();\n    if (session.lost) return false;\n", "    if (session.lost) return false;\n"),
      edit(LOOP, "    await heartbeat.stop();\n  }\n}\n", "    void heartbeat.stop();\n  }\n}\n"),
      edit(
        WORK,
        "if (own === null || own.lost) break;",
        "if (own === null) return remove(deps, message);\n        if (own.lost) break;",
      ),
    ],
  },
  {
    name: "forgets what woke the attempt before",
    rule: "† the wake is the same on every attempt",
    by: "simulation",
    edits: [edit(LEASE, "  return lease.wake;\n", "  return null;\n")],
  },
  {
    name: "takes over a wake that came too late",
    rule: "† an inherited wake only while HEAD waits",
    by: "interleavings",
    tests: { file: "test/interleavings/signals.test.ts", named: "times out", schedules: 1_000 },
    edits: [
      edit(
        LEASE,
        'if (head.status.kind !== "waiting" || lease === null || lease.version !== head.version || lease.token <= head.token)',
        "if (lease === null || lease.version !== head.version || lease.token <= head.token)",
      ),
    ],
  },
  {
    name: "runs a suspect in company",
    rule: "G2, a suspect runs alone",
    by: "simulation",
    edits: [
      edit(WORK, "if (decision.claim.suspect && !host.isAlone()) {", "if (decision.claim.suspect && host.giveBack.aborted) {"),
    ],
  },
  {
    name: "counts a death in company",
    rule: "G2, only a death alone counts",
    by: "simulation",
    edits: [edit(LEASE, "return lease?.alone === true && lease.version", "return lease !== null && lease.version")],
  },
  {
    name: "lets a step kill its worker for ever",
    rule: "G2, limits.crashes",
    by: "simulation",
    edits: [edit(TRANSITION, "return lapsed.alone && crashes > rules.limits.crashes &&", "return crashes < 0 &&")],
  },
  {
    name: "tries again without an end",
    rule: "G2, a class's attempts",
    by: "simulation",
    edits: [edit("src/domain/retry.ts", "  if (failures >= policy.attempts) return null;\n", "")],
  },
  {
    name: "runs an older release on a newer one's state",
    rule: "G1, an engine that is not loaded",
    by: "simulation",
    edits: [edit(WORK, "return engine === null || engine.version < live.head.engineVersion ? null : engine;", "return engine;")],
  },
  {
    name: "goes on past a deadline",
    rule: "G7, a deadline that has passed",
    by: "simulation",
    edits: [
      edit(
        DECIDE,
        "return deadlineAtMs !== null && deadlineAtMs <= nowMs;",
        "return deadlineAtMs !== null && deadlineAtMs < 0 && nowMs > 0;",
      ),
    ],
  },
];
