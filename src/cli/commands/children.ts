/** `rookery children`: the items that an item has started. */
import type { ChildStatus } from "../../runtime/tree.ts";
import { encodePageCursor } from "../../wire/page-cursor.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { cursorIn } from "../cursor.ts";
import { suggestion } from "../next-steps.ts";
import { countOption } from "../option-values.ts";
import { groupText, STATUS_TINTS, statusWord } from "../output/item.ts";
import type { Fact } from "../output/table.ts";
import { clean } from "../output/text.ts";
import { relative } from "../output/time.ts";
import { type RefOptions, refOf, takesItem } from "../refs.ts";

interface ChildrenFlags extends RefOptions {
  readonly group?: string;
  readonly limit?: number;
  readonly after?: string;
}

const DEFAULT_LIMIT = 20;

export const configureChildren: Configure = (command, cli) => {
  takesItem(command)
    .option("--group <name>", "only of this group, in the order of starting;\nwithout it, in no particular order")
    .option("--limit <count>", `how many (default: ${DEFAULT_LIMIT})`, countOption)
    .option("--after <cursor>", "go on after a page, with the cursor that it ended with")
    .action((id: string | undefined, flags: ChildrenFlags) => showChildren(cli(), id, flags));
};

async function showChildren(cli: Cli, id: string | undefined, flags: ChildrenFlags): Promise<void> {
  const { print } = cli;
  const ref = refOf(id, flags);
  const { group, limit = DEFAULT_LIMIT, after } = flags;
  const store = await cli.existing();
  const found = await store.children(ref, {
    limit,
    ...(group === undefined ? {} : { group }),
    ...(after === undefined ? {} : { after: cursorIn(after) }),
  });
  const groups = (await store.groups(ref)).filter(({ name }) => group === undefined || name === group);
  const next = found.next === null ? null : encodePageCursor(found.next);
  if (print.json) return print.document({ groups, entries: found.entries, next });
  if (groups.length > 0) print.facts(groups.map((one, i): Fact => [i === 0 ? "groups" : " ", groupText(one)]));
  if (found.entries.length > 0) showTable(cli, found.entries);
  else print.note(group === undefined ? "it has started nobody" : `it waits for nobody in group ${clean(group)}`);
  if (next !== null) print.note(`more with: ${suggestion(cli, "children", ...wordsOf(id, flags), "--after", next)}`);
}

function wordsOf(id: string | undefined, { engine, key, group, limit }: ChildrenFlags): string[] {
  const one = (name: string, value: string | number | undefined): string[] => (value === undefined ? [] : [name, String(value)]);
  return [
    ...(id === undefined ? [] : [id]),
    ...one("--engine", engine),
    ...one("--key", key),
    ...one("--group", group),
    ...one("--limit", limit),
  ];
}

function showTable({ print }: Cli, children: readonly ChildStatus[]): void {
  const nowMs = Date.now();
  print.table<ChildStatus>(
    [
      { head: "ID", cell: ({ workId }) => workId, cut: "never" },
      { head: "ENGINE", cell: ({ engine }) => engine },
      {
        head: "STATUS",
        cell: ({ item }) => (item === null ? "not there" : item.retrying ? "retrying" : statusWord(item.status)),
        tint: ({ item }) => (item === null ? "gray" : STATUS_TINTS[item.status]),
        cut: "never",
      },
      { head: "SAVED", cell: ({ item }) => (item === null ? "" : `v${item.version}`), align: "right", cut: "never" },
      { head: "WHEN", cell: ({ item }) => (item === null ? "" : relative(item.updatedAtMs, nowMs)), cut: "never" },
      { head: "GROUP", cell: ({ group }) => group ?? "", cut: "first" },
      { head: "KEY", cell: ({ key }) => key },
    ],
    children,
  );
}
