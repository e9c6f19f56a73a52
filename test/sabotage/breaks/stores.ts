/** What stores, blobs and decoders promise. */
import { type Break, edit } from "../break.ts";

const VALUES = "src/runtime/values.ts";
const GROUP = "src/adapters/embedded/group-commit.ts";
const EMBEDDED = "src/adapters/embedded/record-store.ts";
const RECORD = "src/wire/record.ts";

export const stores: readonly Break[] = [
  {
    name: "writes a blob after what refers to it",
    rule: "large values go to the blob store first",
    by: "simulation",
    edits: [
      edit(
        VALUES,
        'import type { Stored } from "../domain/item.ts";',
        'import type { Stored } from "../domain/item.ts";\nimport { sha256 } from "../wire/digest.ts";',
      ),
      edit(
        VALUES,
        "  const { digest } = await deps.blobs.put(owner, bytes);\n",
        "  const digest = sha256(json);\n  deps.blobs.put(owner, bytes).catch(() => undefined);\n",
      ),
    ],
  },
  {
    name: "SQLite: answers before its group is on disk",
    rule: "an answer waits until its group is on disk",
    by: "history",
    edits: [
      edit(
        GROUP,
        "    if (only?.single === true && group.length === 1) return writeSingle(only);\n",
        "    if (only === undefined) return writeSingle(only);\n",
      ),
      edit(GROUP, "      begin.run();\n", "      if (!db.isTransaction) begin.run();\n"),
      edit(GROUP, "      commit.run();\n", "      setTimeout(() => db.isTransaction && commit.run(), 20);\n"),
    ],
  },
  {
    name: "SQLite: rolls a group back for one conflict",
    rule: "one missed condition never rolls back its group",
    by: "history",
    edits: [
      edit(GROUP, "  let alone = 0;\n", "  let alone = 0;\n  let missed = false;\n"),
      edit(
        GROUP,
        "          const value = operation();\n",
        "          const value = operation();\n          missed ||= Object(value).ok === false;\n",
      ),
      edit(GROUP, "      commit.run();\n", "      if (missed) rollBack();\n      else commit.run();\n      missed = false;\n"),
    ],
  },
  {
    name: "takes every other process for dead",
    rule: "G4, one worker at a time",
    by: "kills",
    tests: { file: "test/crash/company.test.ts" },
    edits: [
      edit(
        "src/adapters/node/process-table.ts",
        "return !found.exists || found.zombie || (found.start !== null && found.start !== other.start);",
        "return !found.exists || found.zombie || other.pid !== me.pid;",
      ),
    ],
  },
  {
    name: "SQLite: writes whatever the revision",
    rule: "G1, a write's condition",
    by: "history",
    edits: [
      edit(
        EMBEDDED,
        "revision = ?10 WHERE partition = ?1 AND sort = ?2 AND revision = ?11`",
        "revision = ?10 WHERE partition = ?1 AND sort = ?2 AND revision >= ?11`",
      ),
      edit(
        EMBEDDED,
        "WHERE partition = ? AND sort = ? AND revision = ? AND due_shard IS NULL",
        "WHERE partition = ? AND sort = ? AND revision >= ? AND due_shard IS NULL",
      ),
    ],
  },
  {
    name: "decodes a record without its schema",
    rule: "G8, bad input is refused by name",
    by: "fuzzing",
    edits: [
      edit(
        RECORD,
        "  if (parsed.success) return parsed.data;\n",
        "  if (parsed.success || record.body !== null) return record.body as T;\n",
      ),
    ],
  },
  {
    name: "takes a hint that is no JSON for a broken worker",
    rule: "G8, bad input is refused by name",
    by: "fuzzing",
    edits: [edit("src/wire/hint.ts", 'throw new RecordUndecodableError("hint", messageOf(error));', "throw error;")],
  },
  {
    name: "takes a payload that does not fit its contract",
    rule: "G8, bad input is refused at the door",
    by: "simulation",
    edits: [
      edit(
        "src/runtime/enqueue.ts",
        "contract.payload, payload);\n  const text = encodeJson(valid);",
        "contract.payload, payload).catch(() => payload);\n  const text = encodeJson(valid);",
      ),
    ],
  },
];
