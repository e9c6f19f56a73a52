/** `rookery list`: work items, newest first. */

import { type ItemStatus, SHOWN_STATUSES, type ShownStatus } from "../../runtime/inspect.ts";
import { encodePageCursor } from "../../wire/page-cursor.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../configure.ts";
import { cursorIn } from "../cursor.ts";
import { suggestion } from "../next-steps.ts";
import { countOption, labelOption } from "../option-values.ts";
import { STATUS_TINTS, statusWord, stepName } from "../output/item.ts";
import { relative } from "../output/time.ts";
import type { Store } from "../store.ts";

interface ListFlags {
  readonly status?: string;
  readonly engine?: string;
  readonly tenant?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly limit?: number;
  readonly after?: string;
}

const DEFAULT_LIMIT = 20;

export const configureList: Configure = (command, cli) => {
  const status = command.createOption("--status <status>", "only these").choices(SHOWN_STATUSES.map(statusWord));
  command
    .addOption(status)
    .option("--engine <id>", "only of this engine")
    .option("--tenant <name>", "only of this tenant")
    .option("--label <name=value>", "only with this label; repeatable", labelOption)
    .option("--limit <count>", `how many (default: ${DEFAULT_LIMIT})`, countOption)
    .option("--after <cursor>", "go on after a page, with the cursor that it ended with")
    .action((flags: ListFlags) => list(cli(), flags));
};

async function list(cli: Cli, flags: ListFlags): Promise<void> {
  const { print } = cli;
  const store = await cli.look();
  const found = store === null ? { entries: [], next: null } : await store.list(optionsOf(flags));
  const page = { ...found, next: found.next === null ? null : encodePageCursor(found.next) };
  if (print.json) return print.document(page);
  if (page.entries.length === 0) {
    print.note(`nothing here (${await placeText(cli, store)})`);
  } else {
    showItems(cli, page.entries);
  }
  if (page.next !== null) print.note(`more with: ${suggestion(cli, "list", ...wordsOf(flags), "--after", page.next)}`);
}

async function placeText(cli: Cli, store: Store | null): Promise<string> {
  const { where } = await cli.context();
  const place = where.kind === "home" ? `home ${where.home.value}` : `stack ${where.stack.value}`;
  return `${place}, namespace ${store?.namespace ?? where.namespace?.value}`;
}

function optionsOf({ status, engine, tenant, label, limit = DEFAULT_LIMIT, after }: ListFlags) {
  const shown = SHOWN_STATUSES.find((one: ShownStatus) => status !== undefined && statusWord(one) === status);
  return {
    limit,
    ...(shown === undefined ? {} : { status: shown }),
    ...(engine === undefined ? {} : { engine }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(label === undefined ? {} : { labels: label }),
    ...(after === undefined ? {} : { after: cursorIn(after) }),
  };
}
function wordsOf(flags: ListFlags): string[] {
  const one = (name: string, value: string | number | undefined): string[] => (value === undefined ? [] : [name, String(value)]);
  return [
    ...one("--status", flags.status),
    ...one("--engine", flags.engine),
    ...one("--tenant", flags.tenant),
    ...Object.entries(flags.label ?? {}).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
    ...one("--limit", flags.limit),
  ];
}

function showItems({ print }: Cli, items: readonly ItemStatus[]): void {
  const nowMs = Date.now();
  print.table<ItemStatus>(
    [
      { head: "ID", cell: (item) => item.workId, cut: "never" },
      { head: "ENGINE", cell: (item) => item.engine },
      {
        head: "STATUS",
        cell: (item) => (item.retrying ? "retrying" : statusWord(item.status)),
        tint: (item) => STATUS_TINTS[item.status],
        cut: "never",
      },
      { head: "SAVED", cell: (item) => `v${item.version}`, align: "right", cut: "never" },
      { head: "STEP", cell: (item) => stepName(item) ?? "", cut: "first" },
      { head: "WHEN", cell: (item) => relative(whenOf(item), nowMs), cut: "never" },
      { head: "KEY", cell: (item) => item.key ?? "" },
    ],
    items,
  );
}
/** When it wakes, or when it was last saved. */
function whenOf(item: ItemStatus): number {
  return item.status === "sleeping" ? (item.wakeAtMs ?? item.updatedAtMs) : item.updatedAtMs;
}
