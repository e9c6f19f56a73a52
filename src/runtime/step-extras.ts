/** What most steps do not use: effects, children and output of one attempt, each made when it is first wanted. */
import type { AttemptScope, Part } from "./attempt-scope.ts";
import { type Children, createChildren } from "./children.ts";
import { createEffects, type Effects } from "./effects.ts";
import { MARK } from "./family.ts";
import { createInterruptions, type Interruption } from "./interruption.ts";
import { createOutput, type Output } from "./output.ts";

export interface StepExtras {
  /** All has settled: what is begun now would be nobody's. */
  isClosed(): boolean;
  effects(): Effects;
  children(): Children;
  output(): Output;
  /** Text in the output stream, or children that are listed: should the attempt come to nothing, a later one clears them away. */
  leftTraces(): boolean;
  /** Resolves once everything that was begun has come to an end, well or not. */
  settled(): Promise<void>;
  interruption(): Interruption | null;
  /** What must be on record before the outcome is. */
  beforeCommit(): Promise<void>;
}

export function createStepExtras(scope: AttemptScope, guard: Part["guard"]): StepExtras {
  const interruptions = createInterruptions();
  const part: Part = { scope, guard, interruptions };
  let effects: Effects | null = null;
  let children: Children | null = null;
  let output: Output | null = null;
  let closed = false;
  const begun = () => [effects, children].filter((one) => one !== null);
  const getOutput = (): Output => {
    output ??= createOutput(part);
    return output;
  };
  return {
    isClosed: () => closed,
    effects: () => {
      effects ??= createEffects(part);
      return effects;
    },
    children: () => {
      children ??= createChildren(part);
      return children;
    },
    output: getOutput,
    leftTraces: () => (output?.wrote() ?? false) || (children?.listed() ?? false),
    settled: async () => {
      // What is under way may begin more: closed at the instant at which nothing is.
      while (begun().some((one) => one.isBusy())) await Promise.all(begun().map((one) => one.settled()));
      closed = true;
      await output?.flush();
    },
    interruption: interruptions.deciding,
    beforeCommit: async () => {
      // Whoever was listed by an attempt that came to nothing is not waited for, also when this one starts nobody.
      if (scope.head.leftTraces && scope.family.made(MARK)) children ??= createChildren(part);
      await Promise.all([children?.list(), getOutput().supersede()]);
    },
  };
}
