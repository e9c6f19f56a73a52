/** What is sent to an item: whether its engine knows it, and what became of it. */
import { quote } from "../domain/errors.ts";
import type { Signalled } from "../runtime/signal.ts";
import type { Cli } from "./cli.ts";
import { CliError, EXIT } from "./exit.ts";
import { suggestion } from "./next-steps.ts";
import { statusWord } from "./output/item.ts";
import { clean } from "./output/text.ts";
import { nearest } from "./suggest.ts";

/** @throws CliError when it was not accepted */
export function tellSignalled(cli: Cli, workId: string, what: string, { accepted, status }: Signalled): void {
  if (cli.print.json) {
    cli.print.document({ workId, accepted, status });
    if (!accepted) cli.endWith(EXIT.refused);
    return;
  }
  if (!accepted) {
    throw new CliError(EXIT.refused, `${what} was not accepted: work item ${workId} is ${statusWord(status)}`, {
      hint: `see what became of it: ${suggestion(cli, "status", workId)}`,
    });
  }
  cli.print.line(`${what} sent to ${workId}`);
  if (status !== "running") cli.print.hint(`it waits for a worker; when none is at work: ${suggestion(cli, "worker")}`);
}

/** @throws CliError */
export function requireSignal(engineId: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const near = nearest(name, known);
  const expected = known.length === 0 ? "it takes none" : `expected one of: ${known.join(", ")}`;
  throw new CliError(EXIT.usage, `engine ${engineId} has no signal ${clean(quote(name))}, ${expected}`, {
    hint: near === null ? "signals are declared by defineContract" : `did you mean ${near}?`,
  });
}
