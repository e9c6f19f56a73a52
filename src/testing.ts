/**
 * For tests of engines of one's own: a rig with the real runtime and a clock that is moved by hand, and single steps
 * without one. It needs no test runner, or works in any; Node 20 or later.
 */
export { ChaosError, type ChaosOptions, chaos } from "./testing/chaos.ts";
export type { Crash, CrashPoint } from "./testing/crashes.ts";
export { NotSettledError, type UnsettledStep } from "./testing/not-settled.ts";
export { createTestRig, type LogEntry, type TestRig, type TestRigOptions } from "./testing/rig.ts";
export { runStep, type StepInput, type StepOutcome, type StepRun } from "./testing/run-step.ts";
export type { Deeds, Given, GivenSignal, GivenWake } from "./testing/solo-context.ts";
export type { EffectAnswer, EffectCall } from "./testing/solo-effects.ts";
