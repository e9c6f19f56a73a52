/** Faults at random, of every kind on every operation, by a seed: the nth request of an operation always has the same. */
import { createSeededRandom } from "../../src/adapters/memory/random.ts";
import type { Random } from "../../src/ports/random.ts";
import type { Choose, Fault } from "./faulty-door.ts";
import { FAILED, type Operation, type Service, THROTTLED } from "./operations.ts";

const KINDS = ["broken before it took effect", "answer lost", "throttled", "failed", "answer too late", "slow"] as const;
const BATCH_KINDS = [...KINDS, "refused in part"] as const;
export type Kind = (typeof BATCH_KINDS)[number];

/** Of all requests. Of the first ones of an operation it is every other one, until they have met every kind. */
const RATE = 0.04;
/** Longer than a client of the service waits; a receive waits for messages, too. */
const TOO_LATE_MS: Readonly<Record<Service, number>> = { dynamodb: 3_300, sqs: 5_300, s3: 1_800 };
export const S3_ANSWER_MS = 1_500;
const SLOW_MS = 250;

interface Course {
  readonly random: Random;
  readonly counts: Map<Kind, number>;
  requests: number;
  bag: Kind[];
}
export interface Trouble {
  readonly choose: Choose;
  /** From now on all is well. */
  end(): void;
  /** How often each operation came, and what it met; for a person. */
  told(): string;
  /** What an operation that came has not met. */
  missing(): string[];
}

export function createTrouble(seed: number, receiveWaitMs: number): Trouble {
  const courses = new Map<string, Course>();
  let isOver = false;
  const kindsOf = (name: string): readonly Kind[] => (name.endsWith("Batch") ? BATCH_KINDS : KINDS);
  const courseOf = ({ service, name }: Operation): Course => {
    const key = `${service} ${name}`;
    const course = courses.get(key) ?? { random: createSeededRandom(seed ^ hash(key)), counts: new Map(), requests: 0, bag: [] };
    courses.set(key, course);
    return course;
  };
  return {
    choose(operation) {
      if (isOver) return null;
      const course = courseOf(operation);
      const { random, counts } = course;
      course.requests += 1;
      const isNew = course.requests < 2 * kindsOf(operation.name).length;
      const isHit = isNew ? course.requests % 2 === 1 : random.fraction() < RATE;
      if (!isHit) return null;
      if (course.bag.length === 0) course.bag = shuffled(kindsOf(operation.name), random);
      const kind = course.bag.pop() ?? "slow";
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      return faultOf(kind, operation, receiveWaitMs);
    },
    end: () => {
      isOver = true;
    },
    told: () =>
      [...courses]
        .map(([operation, { requests, counts }]) => `${operation} ${requests}: ${JSON.stringify(Object.fromEntries(counts))}`)
        .join("\n"),
    missing: () =>
      [...courses].flatMap(([operation, { counts }]) =>
        kindsOf(operation)
          .filter((kind) => !counts.has(kind))
          .map((kind) => `${operation}: ${kind}`),
      ),
  };
}

function faultOf(kind: Kind, { service, name }: Operation, receiveWaitMs: number): Fault {
  switch (kind) {
    case "broken before it took effect":
      return { kind: "break" };
    case "answer lost":
      return { kind: "lose" };
    case "throttled":
      return { kind: "answer", ...THROTTLED[service] };
    case "failed":
      return { kind: "answer", ...FAILED[service] };
    case "answer too late":
      return { kind: "delay", what: "answer", ms: TOO_LATE_MS[service] + (name === "ReceiveMessage" ? receiveWaitMs : 0) };
    case "slow":
      return { kind: "delay", what: "request", ms: SLOW_MS };
    case "refused in part":
      return { kind: "refuse entry" };
  }
}

function shuffled(kinds: readonly Kind[], random: Random): Kind[] {
  return kinds
    .map((kind) => ({ kind, place: random.fraction() }))
    .sort((a, b) => a.place - b.place)
    .map(({ kind }) => kind);
}
/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193);
  return value;
}
