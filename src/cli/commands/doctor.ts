/** `rookery doctor`: looks at everything that work depends on, and says how to mend what is wrong. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Cli, DATABASE_FILE } from "../cli.ts";
import type { Configure } from "../configure.ts";
import type { Context, Setting } from "../context.ts";
import type { Check } from "../doctor/check.ts";
import { checkConfig, checkDisk, checkEngines, checkHome, checkNode, failing } from "../doctor/setup.ts";
import { checkStack } from "../doctor/stack.ts";
import { checkClock, checkDatabase, checkLeases, checkMessages } from "../doctor/store.ts";
import { EXIT } from "../exit.ts";
import type { Tint } from "../output/style.ts";
import { clean, wrap } from "../output/text.ts";
import type { Store } from "../store.ts";

export const configureDoctor: Configure = (command, cli) => {
  command.action(() => examine(cli()));
};

async function examine(cli: Cli): Promise<void> {
  const { check, context } = await checkConfig(cli);
  const checks = [checkNode(), check, ...(context === null ? [] : await checksIn(cli, context))];
  const healthy = checks.every(({ state }) => state !== "wrong");
  if (!healthy) cli.endWith(EXIT.failed);
  if (cli.print.json) return cli.print.document({ healthy, checks });
  for (const one of checks) show(cli, one);
}

async function checksIn(cli: Cli, context: Context): Promise<Check[]> {
  const { where } = context;
  const checks = where.kind === "home" ? await checksOfHome(cli, where.home) : await checkStack(cli, where.stack.value);
  return [await checkEngines(context), ...checks];
}

async function checksOfHome(cli: Cli, home: Setting<string>): Promise<Check[]> {
  const path = join(home.value, DATABASE_FILE);
  const database = checkDatabase(path);
  const checks = [checkHome(home), checkDisk(home), database];
  if (database.state === "wrong" || !existsSync(path)) return [...checks, await checkClock(null)];
  let store: Store;
  try {
    store = await cli.open();
  } catch (thrown) {
    return [...checks, failing("store", thrown, "see the checks above"), await checkClock(null)];
  }
  return [...checks, await checkMessages(store), await checkLeases(path), await checkClock(store)];
}

const MARKS: Readonly<Record<Check["state"], readonly [mark: string, tint: Tint]>> = {
  ok: ["ok", "green"],
  notice: ["note", "yellow"],
  wrong: ["WRONG", "red"],
};
const MARK_CHARS = 7;
const NAME_CHARS = 10;

function show({ print, style }: Cli, { name, state, found, fix }: Check): void {
  const [mark, tint] = MARKS[state];
  const indent = MARK_CHARS + NAME_CHARS;
  const [first = "", ...rest] = wrap(clean(found), print.columns - indent);
  print.line(`${style(tint, mark.padEnd(MARK_CHARS))}${name.padEnd(NAME_CHARS)}${first}`);
  const fixes = fix === null ? [] : wrap(`-> ${clean(fix)}`, print.columns - indent);
  for (const line of [...rest, ...fixes.map((one) => style("bold", one))]) print.line(`${" ".repeat(indent)}${line}`);
}
