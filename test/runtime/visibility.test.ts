import { expect, test } from "vitest";
import { keepHidden } from "../../src/runtime/visibility.ts";
import { createWorld } from "../support/world.ts";

test("a message is kept hidden without a second request while the queue has not answered the first", async () => {
  const world = createWorld({ heartbeatMs: 1_000 });
  const [answers, ended] = [[] as (() => void)[], Promise.withResolvers<void>()];
  const hide = () => new Promise<void>((resolve) => void answers.push(resolve));
  const deps = { ...world.deps, queue: { ...world.deps.queue, hide } };
  const kept = keepHidden(deps, { id: "m", body: "", receiveCount: 1, receipt: "m" }, () => ended.promise);
  await world.advance(5_000, 1_000);
  expect(answers).toHaveLength(1);
  answers[0]?.();
  await world.advance(1_000);
  await world.advance(1_000);
  expect(answers).toHaveLength(2);
  ended.resolve();
  await kept;
  answers[1]?.();
  await world.advance(5_000, 1_000);
  expect(answers).toHaveLength(2);
});
