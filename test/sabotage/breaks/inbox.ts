/** Signals, commands and children: delivered once, never dropped. */
import { type Break, edit } from "../break.ts";

const LOOP = "src/runtime/loop.ts";
const MAIL = "src/runtime/mail.ts";
const INBOX = "src/runtime/inbox.ts";
const TRANSITION = "src/domain/transition.ts";
const COMMAND = "src/domain/command.ts";
const SETTLE = "src/runtime/settle.ts";
const GROUP = "src/domain/group.ts";

export const inbox: readonly Break[] = [
  {
    name: "consumes a signal as it is taken, not by the commit",
    rule: "consumed by the commit of the step that got it",
    by: "simulation",
    edits: [
      edit(
        MAIL,
        'import { notYetConsumed, signalsAfter } from "./inbox.ts";',
        'import { notYetConsumed, settleConsumed, signalsAfter } from "./inbox.ts";',
      ),
      edit(
        MAIL,
        "      sorts.push(entry.sort);\n",
        "      sorts.push(entry.sort);\n      await settleConsumed(deps, partition, [entry.sort]);\n",
      ),
    ],
  },
  {
    name: "consumes commands at the claim",
    rule: "consumed by the commit that applies it",
    by: "simulation",
    edits: [
      edit(
        LOOP,
        'import { isStale, notYetConsumed, signalsAfter } from "./inbox.ts";',
        'import { isStale, notYetConsumed, settleConsumed, signalsAfter } from "./inbox.ts";',
      ),
      edit(
        LOOP,
        "  const closing = await closeInput(session);\n",
        "  const closing = await closeInput(session);\n" +
          "  await settleConsumed(session.deps, session.partition, entries.map((entry) => entry.sort));\n",
      ),
    ],
  },
  {
    name: "ends a closing item without reading the inbox",
    rule: "an accepted signal is never dropped",
    by: "simulation",
    edits: [
      edit(
        LOOP,
        'return [{ kind: "close", wake: await firstUnread(session) }];',
        'return [{ kind: "close", wake: session.lost ? await firstUnread(session) : null }];',
      ),
    ],
  },
  {
    name: "does not heed ifUnread",
    rule: "an accepted signal is never dropped",
    by: "simulation",
    edits: [
      edit(
        TRANSITION,
        'return input.ifUnread === "step" ? closing(from, input.report, input.result) : complete(from, input.report, input.result);',
        "return input.ifUnread === undefined ? closing(from, input.report, input.result) : complete(from, input.report, input.result);",
      ),
    ],
  },
  {
    name: "delivers without a look at SEEN",
    rule: "SEEN is read before a delivery",
    by: "simulation",
    edits: [
      edit(
        INBOX,
        "return seen !== null && decodeSeen(seen).consumed;",
        "return seen === undefined && decodeSeen(seen).consumed;",
      ),
    ],
  },
  {
    name: "takes away what was consumed and does not mark SEEN",
    rule: "SEEN is marked before INBOX is removed",
    by: "simulation",
    edits: [edit(INBOX, "  if (seen !== null)\n    await put(", "  if (seen === undefined)\n    await put(")],
  },
  {
    name: "forgets beneath a pause how long an item sleeps",
    rule: "paused keeps the status beneath it, with its wake",
    by: "simulation",
    edits: [
      edit(COMMAND, "reason, beneath: requireOpen(head) };", 'reason, beneath: { ...requireOpen(head), kind: "ready" } };'),
    ],
  },
  {
    name: "does not tell a parent that its child has ended",
    rule: "G3, children",
    by: "interleavings",
    tests: { file: "test/interleavings/starts.test.ts" },
    edits: [edit(SETTLE, "    await tellParent(deps, item, status);\n", "    tellParent;\n")],
  },
  {
    name: "counts a child's end up where it should set a slot",
    rule: "children: all of it sets, never increments",
    by: "simulation",
    edits: [
      edit(
        GROUP,
        "  const present = at(leaf, index);\n  const listed =",
        '  if (leaf.includes("o")) index = leaf.indexOf("o");\n  const present = at(leaf, index);\n  const listed =',
      ),
    ],
  },
  {
    name: "lets every child of a limited group begin",
    rule: "children: never more at work than the limit",
    by: "simulation",
    edits: [
      edit("src/runtime/admission.ts", "!parent.group.limited || hasBegun(live)", "parent.group.limited || hasBegun(live)"),
    ],
  },
];
