/**
 * Whether a history is that of one record after another (Wing and Gong's search): each operation can be put at an instant
 * between its start and its end, so that what everybody was told is what a single record would have answered in that order.
 *
 * Records are checked one by one: each is linearizable by itself or not. An operation that nobody knows the end of may
 * have happened at any time after its start, or never. Places that were tried, by what was done and what the record then
 * is, are not tried again.
 */
import type { Answer, Ask, Operation, Seen } from "./history.ts";

/** The first key that no order explains, and its operations; null when all is well. */
export function findFlaw(
  history: readonly Operation[],
): { readonly key: string; readonly operations: readonly Operation[] } | null {
  const byKey = Map.groupBy(history, ({ key }) => key);
  for (const [key, operations] of byKey) if (!isLinearizable(operations)) return { key, operations };
  return null;
}

/** What the record answers, and is from then on. */
function apply(state: Seen, ask: Ask): { readonly answer: Answer; readonly next: Seen } {
  switch (ask.kind) {
    case "read":
      return { answer: { kind: "saw", record: state }, next: state };
    case "write": {
      if ((state?.revision ?? "absent") !== ask.expected) return { answer: { kind: "missed", current: state }, next: state };
      const revision = (state?.revision ?? 0) + 1;
      return { answer: { kind: "done", revision }, next: { revision, writeId: ask.writeId } };
    }
    case "remove":
      if (state?.revision !== ask.expected) return { answer: { kind: "missed", current: state }, next: state };
      return { answer: { kind: "done", revision: null }, next: null };
  }
}
function nameOf(state: Seen): string {
  return state === null ? "-" : `${state.revision} ${state.writeId}`;
}
function isSame(a: Answer, b: Answer): boolean {
  if (a.kind === "saw" && b.kind === "saw") return nameOf(a.record) === nameOf(b.record);
  if (a.kind === "missed" && b.kind === "missed") return nameOf(a.current) === nameOf(b.current);
  return a.kind === "done" && b.kind === "done" && a.revision === b.revision;
}

interface Place {
  readonly state: Seen;
  /** All before it are done. */
  readonly from: number;
  /** Done, from there on. */
  readonly done: ReadonlySet<number>;
}

export function isLinearizable(history: readonly Operation[]): boolean {
  const inOrder = history.filter(({ answer }) => answer !== null).sort((a, b) => a.startedAt - b.startedAt);
  // Without effect it is as good as never asked.
  const unknown = history.filter(({ answer, ask }) => answer === null && ask.kind !== "read");
  const tried = new Set<string>();
  const open: { readonly place: Place; readonly used: ReadonlySet<number> }[] = [
    { place: { state: null, from: 0, done: new Set() }, used: new Set() },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { place, used } = next;
    if (place.from === inOrder.length) return true;
    const name = `${place.from} ${[...place.done].sort().join()} ${[...used].sort().join()} ${nameOf(place.state)}`;
    if (tried.has(name)) continue;
    tried.add(name);
    const { candidates, untilAt } = candidatesOf(inOrder, place);
    const reachedAt = inOrder[Math.max(place.from - 1, ...place.done)]?.startedAt ?? 0;
    unknown.forEach(({ ask, startedAt, endedAt }, i) => {
      if (used.has(i) || startedAt > untilAt || (endedAt !== null && endedAt < reachedAt)) return;
      const after = apply(place.state, ask).next;
      if (after !== place.state) open.push({ place: { ...place, state: after }, used: new Set([...used, i]) });
    });
    for (const i of candidates) {
      const operation = inOrder[i];
      if (operation === undefined || operation.answer === null) continue;
      const { answer, next: state } = apply(place.state, operation.ask);
      if (isSame(answer, operation.answer)) open.push({ place: { state, ...withDone(place, i) }, used });
    }
  }
  return false;
}

/** Those that began before the first of all that is left had ended. */
function candidatesOf(inOrder: readonly Operation[], { from, done }: Place): { candidates: number[]; untilAt: number } {
  const candidates: number[] = [];
  let untilAt = Number.POSITIVE_INFINITY;
  for (let i = from; i < inOrder.length; i++) {
    const operation = inOrder[i];
    if (operation === undefined || done.has(i)) continue;
    if (operation.startedAt > untilAt) break;
    candidates.push(i);
    untilAt = Math.min(untilAt, operation.endedAt ?? untilAt);
  }
  return { candidates: candidates.filter((i) => (inOrder[i]?.startedAt ?? 0) <= untilAt), untilAt };
}
function withDone({ from, done }: Place, i: number): Pick<Place, "from" | "done"> {
  const all = new Set([...done, i]);
  let first = from;
  while (all.delete(first)) first += 1;
  return { from: first, done: all };
}
