/** A command for several items: each is told, and what one refuses keeps nothing from the others. */
import type { Ref } from "../runtime/client.ts";
import type { ItemStatus } from "../runtime/inspect.ts";
import type { Cli } from "./cli.ts";
import { suggestion } from "./next-steps.ts";
import { explain, failureText } from "./output/failure.ts";
import { createStyle } from "./output/style.ts";
import { type RefOptions, refsOf } from "./refs.ts";
import type { Store } from "./store.ts";

interface Sent {
  readonly workId: string;
  readonly sent: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

export async function sendToAll(
  cli: Cli,
  command: string,
  ids: readonly string[],
  options: RefOptions,
  send: (store: Store, ref: Ref) => Promise<void>,
): Promise<void> {
  const refs = refsOf(ids, options);
  const store = await cli.existing();
  const told: Sent[] = [];
  let last: ItemStatus | null = null;
  for (const ref of refs) {
    try {
      await send(store, ref);
      last = await store.status(ref);
      told.push({ workId: last.workId, sent: true });
      if (!cli.print.json) cli.print.line(`${command} sent to ${last.workId}`);
    } catch (thrown) {
      told.push(refused(cli, ref, thrown));
    }
  }
  if (cli.print.json) return cli.print.document(told);
  if (last !== null && last.holder === null && last.unread > 0)
    cli.print.hint(`${command} waits for a worker; when none is at work: ${suggestion(cli, "worker")}`);
}

function refused(cli: Cli, ref: Ref, thrown: unknown): Sent {
  const { exit, code, message } = explain(thrown);
  cli.endWith(exit);
  const name = typeof ref === "string" ? ref : `${ref.contract.id}/${ref.key}`;
  if (!cli.print.json)
    cli.io.stderr.write(
      failureText(thrown, { json: false, verbose: cli.flags.verbose === true, style: createStyle(false), command: null }),
    );
  return { workId: name, sent: false, error: { code, message } };
}
