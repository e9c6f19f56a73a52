/**
 * `npm run demo [-- <url> [claim]]`: a worker is killed with `kill -9` in the middle of its work, and another one goes on
 * from the last saved step. Real processes and the real command line; no network but loopback unless a URL is given.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { cut } from "../src/cli/output/text.ts";
import { type Embedded, openEmbedded } from "../src/embedded.ts";
import { type Observation, observation } from "../src/engines/observe.ts";
import { Watchlist } from "../src/engines/watchlist.ts";
import { CLAIM, openPage } from "./demo/page.ts";
import { detail, indented, say, stage, tint } from "./demo/screen.ts";
import { type DemoWorker, startWorker } from "./demo/worker.ts";

const ROOT = join(import.meta.dirname, "..");
const CHECKS = 6;
const KILL_AFTER = 3;
const DELAY_SECONDS = 1.2;
const DEAD_MS = 1_500;
const POLL_MS = 30;
const FOUND_COLUMNS = 40;
const PATIENCE_MS = 60_000;
/** Names the item in the commands to try next. */
const KEY = "demo";
const REF = `${Watchlist.id}/${KEY}`;

type Status = Awaited<ReturnType<Embedded["status"]>>;
const Evidence = z.looseObject({ observations: z.array(z.looseObject({ check: z.int(), at: z.string() })) });

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
await demo().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});

async function demo(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { home: { type: "string" } } });
  const [givenUrl, givenClaim = "html"] = positionals;
  if (givenUrl !== undefined) requireUrl(givenUrl);
  const home = freshHome(values.home);
  const page = givenUrl === undefined ? await openPage() : null;
  const [url, claim] = page === null ? [givenUrl ?? "", givenClaim] : [page.url, CLAIM];
  const rookery = openEmbedded({ home });

  say(tint("bold", "Rookery: kill -9 a worker in the middle of its work, and see what is lost."));
  stage(1, "a page to watch", url);
  detail("the state lies in", shown(rookery.databasePath));

  const payload = { url, claim, checksRequired: CHECKS, delaySeconds: DELAY_SECONDS };
  const { workId } = await rookery.enqueue(Watchlist, payload, { key: KEY });
  stage(2, "enqueue", workId);
  detail("engine watchlist", `${CHECKS} checks, ${DELAY_SECONDS} s apart: ${JSON.stringify(claim)}`);

  const first = await startWorker(home, join(home, "worker-1.log"));
  stage(3, "start a worker", pidsOf(first));
  await showChecks(rookery, workId, 0, isBetweenChecks);
  const before = await rookery.status(workId);

  stage(4, "kill it", tint("red", `kill -9 ${[first.supervisor, ...first.children()].join(" ")}`));
  await first.kill();
  detail("before", progressOf(before));
  await sleep(DEAD_MS);
  const after = await rookery.status(workId);
  detail(`${DEAD_MS / 1_000} s after`, progressOf(after));

  const startedAtMs = Date.now();
  const second = await startWorker(home, join(home, "worker-2.log"));
  stage(5, "start another one", pidsOf(second));
  await showChecks(rookery, workId, after.logEntries, ({ endedAtMs }) => endedAtMs !== null);
  const last = await rookery.status(workId);
  await second.stop();
  const resumed = observation.parse((await rookery.log(workId))[after.logEntries]);
  detail("back at work", `${((resumed.atMs - startedAtMs) / 1_000).toFixed(1)} s after it was started`);

  stage(6, last.status, `version ${last.version}`);
  await showReport(rookery, workId);
  judge({ before, after, last, requests: page?.requests() ?? null });
  sayNext(shown(home));
  page?.close();
  rookery.close();
}

function requireUrl(text: string): void {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? "")) return;
  throw new Error(`url: expected http(s)://…, got ${JSON.stringify(text)}`);
}

/** As seen from the root, where npm runs scripts. */
function shown(path: string): string {
  const inside = relative(ROOT, path);
  return inside.startsWith("..") ? path : inside;
}

/** The demo's own folder is made anew; one that was named must be empty. */
function freshHome(named: string | undefined): string {
  const own = join(ROOT, ".rookery", "demo");
  const home = named === undefined ? own : resolve(named);
  if (named === undefined) rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  if (readdirSync(home).length > 0) throw new Error(`--home: expected an empty folder, got ${home}`);
  return home;
}

/** With time enough for the kill to come before the next check. */
function isBetweenChecks({ version, status, wakeAtMs }: Status): boolean {
  return version >= KILL_AFTER && status === "sleeping" && (wakeAtMs ?? 0) - Date.now() > (DELAY_SECONDS * 1_000) / 2;
}

/** Shows what comes to the log until the status is as wanted. */
async function showChecks(rookery: Embedded, workId: string, from: number, wanted: (status: Status) => boolean): Promise<void> {
  let said = from;
  for (const endsAtMs = Date.now() + PATIENCE_MS; Date.now() < endsAtMs; await sleep(POLL_MS)) {
    const status = await rookery.status(workId);
    if (status.logEntries > said) {
      const entries = await rookery.log(workId);
      for (const entry of entries.slice(said)) sayCheck(observation.parse(entry));
      said = entries.length;
    }
    if (wanted(status)) return;
  }
  throw new Error(`work item ${workId} does not get on; the workers' logs are in ${rookery.home}`);
}

function sayCheck(seen: Observation): void {
  const ok = "ok" in seen && seen.ok;
  const mark = ok ? tint("green", "✓") : tint("yellow", "!");
  const found = "error" in seen ? seen.error : answerOf(seen);
  say(
    `    ${mark} check ${String(seen.check).padEnd(3)} ${cut(found, FOUND_COLUMNS).padEnd(FOUND_COLUMNS + 2)}${tint("dim", `version ${seen.check}`)}`,
  );
}
function answerOf(seen: Extract<Observation, { ok: boolean }>): string {
  if (!seen.ok) return `${seen.status}: an observation, not a crash`;
  return `${seen.status}, claim ${seen.claimFound ? "found" : "not found"}, ${seen.latencyMs} ms`;
}

function pidsOf(worker: DemoWorker): string {
  return `pid ${worker.supervisor}, worker process ${worker.children().join(", ")}`;
}
function progressOf({ version, step, status }: Status): string {
  return `version ${version}, next step ${JSON.stringify(step)}, ${status}`;
}

async function showReport(rookery: Embedded, workId: string): Promise<void> {
  const { ref, content } = await rookery.artifact(workId, "evidence.json");
  const text = Buffer.concat(await Array.fromAsync(content)).toString();
  const { observations, ...summary } = Evidence.parse(JSON.parse(text));
  detail(ref.name, `${ref.bytes} bytes, SHA-256 ${ref.digest.slice(0, 16)}…`);
  const head = Object.entries(summary).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  const [one, ...others] = observations.map(observationLine);
  const middle = others.length > 1 ? [`    … ${others.length - 1} more …`] : [];
  indented(["{", ...head, '  "observations": [', one, ...middle, ...others.slice(-1), "  ]", "}"].join("\n"));
}
function observationLine({ check, at, ...rest }: z.infer<typeof Evidence>["observations"][number]): string {
  const found = "error" in rest ? { error: rest["error"] } : { status: rest["status"], claimFound: rest["claimFound"] };
  return `    ${JSON.stringify({ check, ...found }).slice(0, -1)}, …}`;
}

function sayNext(home: string): void {
  const commands = [`status ${REF}`, `events ${REF}`, `log ${REF}`, `artifact show ${REF} evidence.json`];
  say();
  say(`The state is in ${home}. Look around:`);
  say('    alias rookery="npm run --silent rookery --"');
  say(`    export ROOKERY_HOME=${home}`);
  for (const command of commands) say(`    rookery ${command}`);
}

/** Says what was lost and repeated, and fails when anything was. */
function judge(seen: { before: Status; after: Status; last: Status; requests: number | null }): void {
  const { before, after, last, requests } = seen;
  const wentOn = after.version >= before.version && last.status === "completed" && last.logEntries === CHECKS;
  const repeated = requests === null ? 0 : requests - CHECKS;
  if (wentOn && repeated === 0) {
    const proof = requests === null ? "each on record once" : `and the page was asked ${requests} times`;
    say();
    say(tint("green", `${CHECKS} checks, ${proof}: nothing lost, nothing repeated.`));
    return;
  }
  say();
  say(tint("red", `expected ${CHECKS} checks once each, got ${last.logEntries} on record, ${repeated} repeated, ${last.status}`));
  process.exitCode = 1;
}
