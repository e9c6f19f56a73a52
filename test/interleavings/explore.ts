/**
 * Every schedule of a small case, depth first. A schedule is a list of choices, and each is executed from the start.
 *
 * What it goes by:
 * - Two states that are equal (records, messages, clock, and all that each actor has seen) have the same future: the
 *   second is left alone.
 * - A process that dies after a call took effect is like one that dies before its next one: nothing of it is left but
 *   what is stored. So a death is a choice before every call.
 * - Workers with nothing in hand are alike: only the first of them receives.
 * - No time passes while somebody can go on, unless the case lets it (`lapses`).
 * - A copy may be received at any time, so it is as good as made once its message is there.
 * - Sending, hiding and deleting commute with all that others can do before they see the message: while time stands and
 *   nothing is copied, they happen at once, where they are all that their actor is about to do. That their sender dies instead is still a choice.
 */
import type { Engine } from "../../src/domain/engine.ts";
import { shardOf } from "../../src/domain/ids.ts";
import type { Deps } from "../../src/runtime/deps.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { checkAlarm, checkEnd, checkRest, checkWrite, nextAlarm } from "./properties.ts";
import { type Actor, createWorld, type Hops, nameOf, Violation, type Waiting, type World } from "./world.ts";

export interface Faults {
  /** Processes that may die. Default none. */
  readonly deaths?: number;
  /** Names of those who may; default workers. */
  readonly mortals?: readonly string[];
  /** Default true: as on one machine. */
  readonly deathIsKnown?: boolean;
  /** Copies of messages. */
  readonly copies?: number;
  /** Messages that are lost as they are sent. */
  readonly losses?: number;
  /** How often, and how much, time passes while somebody could go on. */
  readonly lapses?: { readonly count: number; readonly ms: number };
}
export interface Case {
  readonly workers: number;
  readonly hops?: Hops;
  readonly engines: (world: World) => readonly Engine[];
  /** Before the search: it happens in one way. */
  readonly prepare?: (world: World) => Promise<unknown>;
  readonly callers?: { readonly [name: string]: (deps: Deps, world: World) => Promise<unknown> };
  readonly faults?: Faults;
  readonly collects?: boolean;
  /** Once all is at rest and something has not ended, the alarm may ring. Default false: nothing may wait for it. */
  readonly alarm?: boolean;
  /** An item may wait for ever for what nobody sends any more. Default false. */
  readonly mayWait?: boolean;
  /** At the end of every schedule. */
  readonly check?: (world: World) => Promise<void> | void;
}
export interface Covered {
  /** Ran to the end. */
  readonly ends: number;
  /** Executed, those included that came to a known state. */
  readonly schedules: number;
  readonly states: number;
  readonly longest: number;
  /**
   * Null: all there is. Else the bound cut it: every schedule with so many turns (a fault, or a switch from an actor that
   * could have gone on) was covered, and some with more. -1: not even that without a turn.
   */
  readonly allUpTo: number | null;
  readonly tookMs: number;
}

type Choice =
  | { readonly kind: "go"; readonly actor: Actor; readonly waiting: Waiting; readonly messageId: string | null }
  | { readonly kind: "lose"; readonly actor: Actor; readonly waiting: Waiting }
  | { readonly kind: "die"; readonly actor: Actor }
  | { readonly kind: "copy"; readonly messageId: string }
  | { readonly kind: "lapse"; readonly ms: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "ring"; readonly ms: number; readonly shard: number };

/** More rings than any case needs. */
const MOST_RINGS = 30;

interface Execution {
  readonly world: World;
  readonly spent: { deaths: number; copies: number; losses: number; lapses: number; rings: number; births: number };
  turns: number;
  /** Messages that were there at the choice before. */
  known: ReadonlySet<string>;
  readonly trace: string[];
  last: Actor | null;
}

/** Fewest turns first: where a bound cuts the search, it is those with the most that are left out. */
function createAgenda() {
  const byTurns: number[][][] = [[[]]];
  const first = (): number => byTurns.findIndex((paths) => paths.length > 0);
  return {
    add: (path: number[], turns: number): void => {
      const paths = byTurns[turns] ?? [];
      paths.push(path);
      byTurns[turns] = paths;
    },
    next: (): number[] | undefined => byTurns[first()]?.pop(),
    /** Null: nothing is left. */
    fewest: (): number | null => (first() === -1 ? null : first()),
  };
}

export async function explore(what: Case, most = Number.POSITIVE_INFINITY): Promise<Covered> {
  const startedAtMs = performance.now();
  const known = new Set<string>();
  /** Choices whose outcome could be told, and has been. */
  const told = new Set<string>();
  const agenda = createAgenda();
  const covered = { ends: 0, schedules: 0, longest: 0 };
  for (let next = agenda.next(); next !== undefined; next = covered.schedules < most ? agenda.next() : undefined) {
    covered.schedules += 1;
    const execution = await begin(what);
    const path: number[] = [];
    try {
      for (;;) {
        const choices = choicesOf(execution, what);
        if (choices.length === 0) {
          await end(execution, what);
          covered.ends += 1;
          break;
        }
        let pick = next[path.length];
        if (pick === undefined) {
          const state = stateOf(execution);
          if (known.has(state)) break;
          known.add(state);
          for (let other = choices.length - 1; other >= 1; other--) {
            const turns = execution.turns + (isTurn(execution, choices, other) ? 1 : 0);
            if (isNews(execution, choices[other], told)) agenda.add([...path, other], turns);
          }
          pick = 0;
          isNews(execution, choices[0], told);
        }
        const choice = choices[pick];
        if (choice === undefined) throw new Error("a schedule that was executed before goes another way");
        if (isTurn(execution, choices, pick)) execution.turns += 1;
        path.push(pick);
        await apply(execution, what, choice);
        if (execution.world.broken !== null) throw execution.world.broken;
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      throw new Violation(`${error.message}\n  ${execution.trace.join("\n  ")}\nschedule [${path.join()}]`);
    }
    covered.longest = Math.max(covered.longest, path.length);
  }
  const fewest = agenda.fewest();
  const tookMs = Math.round(performance.now() - startedAtMs);
  return { ...covered, states: known.size, allUpTo: fewest === null ? null : fewest - 1, tookMs };
}

async function begin(what: Case): Promise<Execution> {
  const { faults = {}, collects = false, hops = "inline" } = what;
  const execution: Execution = {
    world: createWorld({
      collects,
      deathIsKnown: faults.deathIsKnown ?? true,
      onWrite: (draft, before) => {
        try {
          checkWrite(execution.world, draft, before);
        } catch (error) {
          if (!(error instanceof Violation)) throw error;
          execution.world.broken ??= error;
        }
      },
    }),
    spent: { deaths: 0, copies: 0, losses: 0, lapses: 0, rings: 0, births: 0 },
    turns: 0,
    known: new Set(),
    trace: [],
    last: null,
  };
  const { world } = execution;
  await what.prepare?.(world);
  for (let n = 1; n <= what.workers; n++) world.startWorker(`w${n}`, what.engines(world), hops);
  for (const [name, act] of Object.entries(what.callers ?? {})) world.startCaller(name, (deps) => act(deps, world));
  await world.settle();
  return execution;
}

function stateOf({ world, spent }: Execution): string {
  return nameState(spent, world.hash());
}
function nameState({ deaths, copies, losses, lapses, rings }: Execution["spent"], hash: string): string {
  return `${deaths} ${copies} ${losses} ${lapses} ${rings} ${hash}`;
}

/** In a fixed order, whoever went last first: so the first schedule has the fewest turns. */
function choicesOf(execution: Execution, what: Case): Choice[] {
  const { world, spent, last } = execution;
  const { deaths = 0, mortals = null, copies = 0, losses = 0, lapses = { count: 0, ms: 0 } } = what.faults ?? {};
  const living = [...world.actors.values()].filter(({ state }) => state === "alive");
  const inOrder =
    last === null ? living : [last, ...living].filter((actor, i, all) => all.indexOf(actor) === i && living.includes(actor));
  const goes = goesOf(world, inOrder);
  const mayDie = ({ name, isWorker }: Actor): boolean => spent.deaths < deaths && (mortals?.includes(name) ?? isWorker);
  const dies = living.filter((actor) => mayDie(actor) && !world.isIdle(actor)).map((actor): Choice => ({ kind: "die", actor }));
  const fresh = spent.copies < copies ? world.messages.all().filter(({ id }) => !execution.known.has(id)) : [];
  const copyable = fresh.map(({ id }): Choice => ({ kind: "copy", messageId: id }));
  const mayLapse = spent.lapses < lapses.count;
  if (goes.length === 0) {
    checkRest(world, spent.deaths + spent.lapses === 0);
    return [...quiet(execution, what), ...dies];
  }
  const sends = spent.losses < losses ? goes.filter(isSend) : [];
  const lost = sends.flatMap((choice): Choice[] => (choice.kind === "go" ? [{ ...choice, kind: "lose" }] : []));
  const still = !mayLapse && copyable.length === 0 ? goes.find(isOfNobodyElse) : undefined;
  if (still?.kind === "go") {
    const ofActor = (choice: Choice): boolean => "actor" in choice && choice.actor === still.actor;
    return [still, ...[...dies, ...lost].filter(ofActor)];
  }
  return [...goes, ...dies, ...lost, ...copyable, ...(mayLapse ? [{ kind: "lapse", ms: lapses.ms } as const] : [])];
}

function goesOf(world: World, living: readonly Actor[]): Choice[] {
  const visible = world.messages.visible();
  const firstIdle = [...world.actors.values()].find(world.isIdle);
  return living.flatMap((actor): Choice[] =>
    actor.waiting.flatMap((waiting): Choice[] => {
      if (waiting.call.method !== "receive") return [{ kind: "go", actor, waiting, messageId: null }];
      if (actor !== firstIdle) return [];
      return visible.map((messageId) => ({ kind: "go", actor, waiting, messageId }));
    }),
  );
}
function isSend(choice: Choice): boolean {
  return choice.kind === "go" && choice.waiting.call.method === "send";
}
function isOfNobodyElse(choice: Choice): boolean {
  if (choice.kind !== "go" || choice.actor.waiting.length > 1) return false;
  return choice.waiting.call.port === "queue" && choice.waiting.call.method !== "receive";
}

/** Nobody can go on at this instant. Nothing at all: the schedule has come to its end. */
function quiet({ world, spent }: Execution, what: Case): Choice[] {
  const nowMs = world.clock.nowMs();
  const timerMs = world.clock.nextTimerInMs();
  const shownAtMs = world.messages.nextAtMs();
  const waits = [timerMs, shownAtMs === null ? null : shownAtMs - nowMs].filter((ms) => ms !== null);
  if (waits.length > 0) return [{ kind: "pass", ms: Math.max(1, Math.min(...waits)) }];
  if (what.alarm !== true || spent.rings >= MOST_RINGS) return [];
  const alarm = nextAlarm(world, what.mayWait === true);
  return alarm === null ? [] : [{ kind: "ring", ms: Math.max(0, alarm.atMs - nowMs), shard: shardOf(alarm.partition) }];
}

/** Whether a choice leads to where no choice before it led; true where that cannot be told. */
function isNews({ world, spent }: Execution, choice: Choice | undefined, told: Set<string>): boolean {
  let after: string | null = null;
  if (choice?.kind === "die") after = `death ${world.hashAfterDeath(choice.actor)}`;
  if (choice?.kind === "go" && choice.messageId === null) after = world.hashAfter(choice.actor, choice.waiting);
  if (after === null) return true;
  const state = nameState(spent, after);
  if (told.has(state)) return false;
  told.add(state);
  return true;
}

function isTurn({ last }: Execution, choices: readonly Choice[], pick: number): boolean {
  const choice = choices[pick];
  if (choice?.kind === "die" || choice?.kind === "lose" || choice?.kind === "copy" || choice?.kind === "lapse") return true;
  if (choice?.kind !== "go" || last === null || choice.actor === last) return false;
  return choices.some((other) => other.kind === "go" && other.actor === last);
}

async function apply(execution: Execution, what: Case, choice: Choice): Promise<void> {
  const { world, spent, trace } = execution;
  execution.known = new Set(world.messages.broker.entries.keys());
  switch (choice.kind) {
    case "go":
      trace.push(`${choice.actor.name}: ${nameOf(choice.waiting.call)} ${choice.messageId ?? ""}`);
      execution.last = choice.actor;
      return world.go(choice.actor, choice.waiting, choice.messageId);
    case "lose":
      trace.push(`${choice.actor.name}: ${nameOf(choice.waiting.call)} is lost`);
      spent.losses += 1;
      execution.last = choice.actor;
      return world.lose(choice.actor, choice.waiting);
    case "die":
      trace.push(`${choice.actor.name} dies before ${choice.actor.waiting.map(({ call }) => nameOf(call)).join()}`);
      spent.deaths += 1;
      execution.last = null;
      await world.die(choice.actor);
      return replaceWorkers(execution, what);
    case "copy":
      trace.push(`${choice.messageId} is copied`);
      spent.copies += 1;
      world.messages.copy(choice.messageId);
      return;
    case "lapse":
      trace.push(`${choice.ms} ms pass under everybody's hands`);
      spent.lapses += 1;
      return world.pass(choice.ms);
    case "pass":
      trace.push(`${choice.ms} ms pass`);
      return world.pass(choice.ms);
    case "ring": {
      trace.push(`${choice.ms} ms pass, and the alarm rings`);
      checkAlarm(world, choice.ms);
      spent.rings += 1;
      await world.pass(choice.ms);
      execution.last = world.startCaller(`sweeper-${spent.rings}`, (deps) => sweep(deps, { shards: [choice.shard] }));
      return world.settle();
    }
  }
}

/** There is always somebody who works. */
async function replaceWorkers(execution: Execution, what: Case): Promise<void> {
  const { world, spent } = execution;
  const isAtWork = ({ isWorker, state }: Actor): boolean => isWorker && state === "alive";
  if (what.workers === 0 || [...world.actors.values()].some(isAtWork)) return;
  spent.births += 1;
  world.startWorker(`w${what.workers + spent.births}`, what.engines(world), what.hops ?? "inline");
  await world.settle();
}

async function end({ world }: Execution, what: Case): Promise<void> {
  await checkEnd(world, what.mayWait === true);
  await what.check?.(world);
}
