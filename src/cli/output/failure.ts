/** What went wrong: one line, how to go on, and the exit code. */
import { CommanderError } from "commander";
import { type ErrorCode, InvariantError, messageOf, RookeryError } from "../../domain/errors.ts";
import { CliError, EXIT, type ExitCode } from "../exit.ts";
import { ENGINES_HINT } from "../needs.ts";
import { ACCESS_HINT, awsHint } from "./aws-hint.ts";
import type { Style } from "./style.ts";

export interface Failure {
  readonly exit: ExitCode;
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

const BAD_INPUT: readonly ErrorCode[] = ["invalid_argument", "schema", "not_json"];
const NOT_FOUND: readonly ErrorCode[] = [
  "unknown_engine",
  "unknown_work_item",
  "unknown_artifact",
  "unknown_stack",
  "unknown_callback",
  "unknown_effect",
];
const REFUSED: readonly ErrorCode[] = ["refused", "key_conflict", "inbox_full", "signal_conflict"];

const HINTS: Partial<Record<ErrorCode, string>> = {
  unknown_engine: ENGINES_HINT,
  unknown_work_item: "list what there is: rookery list (and look at --namespace, --home and --stack)",
  unknown_stack: "is it deployed, and are these the credentials and the region of its account?",
  aws_access: ACCESS_HINT,
  key_conflict: "take another key, or the payload of the first time; once it has ended, --again starts a new life",
  unknown_effect: "see what it has: rookery effects <id>",
  inbox_full: "start a worker to read them: rookery worker",
  signal_conflict: "take another id, or the name and payload of the first time",
  store_too_new: "npm install rookery@latest",
  store_unavailable: "see what is wrong with: rookery doctor",
  blob_missing: "its file under the home, or its object in the bucket, was removed: restore it from a copy",
  blob_altered: "its file under the home, or its object in the bucket, was changed: restore it from a copy",
};

export function explain(thrown: unknown): Failure {
  if (thrown instanceof CliError) return { exit: thrown.exit, code: "cli", message: thrown.message, hint: thrown.hint };
  if (thrown instanceof CommanderError) {
    const [said = "", near = null] = thrown.message.replace(/^error: /, "").split(/\n\((.*)\)$/);
    // Our own words on a value that does not do say which one it was.
    const message = said.replace(/^option '(.+?)' argument '.*' is invalid\. (?=expected )/s, "$1: ");
    return { exit: EXIT.usage, code: "usage", message, hint: near === null ? null : near.replace(/^D/, "d") };
  }
  if (thrown instanceof RookeryError) {
    const hint = awsHint(thrown) ?? HINTS[thrown.code] ?? null;
    return { exit: exitOf(thrown.code), code: thrown.code, message: thrown.message, hint };
  }
  if (thrown instanceof InvariantError) {
    return {
      exit: EXIT.failed,
      code: "bug",
      message: `a bug in Rookery: ${thrown.message}`,
      hint: "add --verbose for the stack",
    };
  }
  return { exit: EXIT.failed, code: "failed", message: messageOf(thrown), hint: "add --verbose for the stack" };
}
function exitOf(code: ErrorCode): ExitCode {
  if (BAD_INPUT.includes(code)) return EXIT.usage;
  if (NOT_FOUND.includes(code)) return EXIT.notFound;
  return REFUSED.includes(code) ? EXIT.refused : EXIT.failed;
}

/** For stderr: `rookery: …`, the hint under it, the stack when it was asked for; one line of JSON with --json. */
export function failureText(
  thrown: unknown,
  how: { json: boolean; verbose: boolean; style: Style; command: string | null },
): string {
  const failure = withHelp(explain(thrown), how.command);
  const stack = how.verbose && thrown instanceof Error ? stackOf(thrown) : null;
  if (how.json) return `${JSON.stringify({ error: { ...failure, ...(stack === null ? {} : { stack }) } })}\n`;
  const lines = [`${how.style("red", "rookery:")} ${failure.message.replaceAll(/\s*\n\s*/g, " ")}`];
  if (failure.hint !== null) lines.push(`${how.style("dim", "  hint:")} ${failure.hint}`);
  if (stack !== null) lines.push(how.style("dim", stack));
  return `${lines.join("\n")}\n`;
}
/** Wrong arguments that nothing better is known about: the help of the command tells. */
function withHelp(failure: Failure, command: string | null): Failure {
  if (failure.code !== "usage" || failure.hint !== null) return failure;
  return { ...failure, hint: `see: rookery ${command === null ? "" : `${command} `}--help` };
}
function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
