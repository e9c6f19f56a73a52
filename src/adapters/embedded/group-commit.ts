/**
 * Group commit: whatever waits to be written at one moment, records and messages alike, goes to disk together, with
 * one fsync. Each operation keeps its own condition: one that misses answers so, and nothing else changes by it.
 *
 * What it keeps:
 *  - An answer is given after its group is on disk.
 *  - A group is one synchronous block on the only connection that the process has, and other processes see a
 *    transaction only once it is in the log. So no read ever sees what is not on disk (DESIGN §4, On SQLite).
 *  - An operation that throws takes nobody with it: its group is rolled back and the operations run one by one.
 *    So an operation may run twice; it changes nothing outside the database that would mind.
 *  - When the transaction itself fails (full, read-only, busy for too long), all of the group are told, and nothing
 *    of it was applied.
 */
import { nextTick } from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { isBusy, isUnavailable } from "./sqlite-errors.ts";

/** More wait for the next group, so that no group holds up the event loop for long. */
const MAX_OPERATIONS = 500;
/** Other processes write too. Each attempt waits for the connection's short busy timeout, then lets others run. */
const MAX_BUSY_ATTEMPTS = 500;

/**
 * A group is written once everything that can run without waiting has run, and so has had its say: before the event
 * loop turns. So many groups in a row; then the loop turns, or timers and sockets would starve.
 */
const GROUPS_PER_TURN = 8;

/** Makes the error for an operation whose transaction failed. */
export type Unavailable = (cause: unknown) => Error;

export interface Group {
  /**
   * Runs inside a transaction with whatever else waits, and answers once that is on disk. `single`: it writes with one
   * statement, so it needs no transaction of its own when nothing else waits.
   */
  submit<T>(operation: () => T, unavailable: Unavailable, single?: boolean): Promise<T>;
  /** Writes what waits, now. */
  flush(): void;
}

interface Pending {
  /** Returns how to give the answer. */
  readonly run: () => () => void;
  readonly single: boolean;
  readonly fail: (thrown: unknown) => void;
}

type Outcome = "settled" | "busy" | "thrown";

export function createGroup(db: DatabaseSync): Group {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  let waiting: Pending[] = [];
  let scheduled = false;
  let groupsThisTurn = 0;
  let busyAttempts = 0;
  /** So many of the first that wait were in a group of which one threw. */
  let alone = 0;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    if (groupsThisTurn++ < GROUPS_PER_TURN && busyAttempts === 0) nextTick(writeScheduled);
    else
      setImmediate(() => {
        groupsThisTurn = 0;
        writeScheduled();
      });
  };
  const writeScheduled = (): void => {
    scheduled = false;
    writeNext();
  };
  const writeNext = (): void => {
    if (waiting.length === 0) return;
    const group = waiting.slice(0, alone > 0 ? 1 : MAX_OPERATIONS);
    const outcome = write(group);
    busyAttempts = outcome === "busy" ? busyAttempts + 1 : 0;
    if (outcome === "thrown") alone = group.length;
    if (outcome === "settled") {
      waiting = waiting.slice(group.length);
      alone = Math.max(0, alone - 1);
    }
    if (waiting.length > 0) schedule();
  };
  /** One statement is a transaction by itself. */
  const writeSingle = (only: Pending): Outcome => {
    try {
      only.run()();
    } catch (thrown) {
      if (isBusy(thrown) && busyAttempts < MAX_BUSY_ATTEMPTS) return "busy";
      only.fail(thrown);
    }
    return "settled";
  };
  const write = (group: readonly Pending[]): Outcome => {
    const [only] = group;
    if (only?.single === true && group.length === 1) return writeSingle(only);
    let answers: readonly (() => void)[];
    try {
      begin.run();
    } catch (thrown) {
      return isBusy(thrown) && busyAttempts < MAX_BUSY_ATTEMPTS ? "busy" : failAll(group, thrown);
    }
    try {
      answers = group.map(({ run }) => run());
    } catch (thrown) {
      rollBack();
      return group.length > 1 ? "thrown" : failAll(group, thrown);
    }
    try {
      commit.run();
    } catch (thrown) {
      rollBack();
      return failAll(group, thrown);
    }
    for (const answer of answers) answer();
    return "settled";
  };
  /** Some failures have rolled back already. */
  const rollBack = (): void => {
    if (db.isTransaction) db.exec("ROLLBACK");
  };

  return {
    submit: (operation, unavailable, single = false) =>
      new Promise((resolve, reject) => {
        const run = () => {
          const value = operation();
          return () => resolve(value);
        };
        waiting.push({ run, single, fail: (thrown) => reject(isUnavailable(thrown) ? unavailable(thrown) : thrown) });
        schedule();
      }),
    flush() {
      while (waiting.length > 0) writeNext();
    },
  };
}

function failAll(group: readonly Pending[], thrown: unknown): Outcome {
  for (const { fail } of group) fail(thrown);
  return "settled";
}
