/** An existing `generateText` or `streamText` call within one step. */
import { generateText, isStepCount, streamText, ToolLoopAgent, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type DurableToolsOptions, durableModel, durableTools, fenceOf } from "../../src/ai.ts";
import { DidNotHappen, EffectConflictError, EffectInDoubtError, InvalidArgumentError, type StepCtx } from "../../src/index.ts";
import { confirmed, createDouble } from "./double.ts";
import { type Line, type ScriptedModel, scriptedModel } from "./scripted-model.ts";

/** A bank, and an agent that refunds. */
function createShop(execute?: (input: { cents: number }, n: number) => unknown) {
  const calls: { cents: number; key: string | undefined; toolCallId: string }[] = [];
  const tools = {
    refund: tool({
      inputSchema: z.object({ cents: z.number() }),
      execute: async (input, options): Promise<unknown> => {
        calls.push({ ...input, key: fenceOf(options)?.idempotencyKey, toolCallId: options.toolCallId });
        return execute === undefined ? { paid: input.cents } : execute(input, calls.length);
      },
    }),
  };
  return { calls, tools };
}
type Tools = ReturnType<typeof createShop>["tools"];

const agentOf =
  (
    model: ScriptedModel,
    tools: Tools,
    choice: DurableToolsOptions<Tools>["ifInDoubt"],
    more: Partial<DurableToolsOptions<Tools>> = {},
  ) =>
  async (ctx: StepCtx): Promise<string> => {
    const { text } = await generateText({
      model: durableModel(ctx, model),
      tools: durableTools(ctx, tools, { ifInDoubt: choice, ...more }),
      stopWhen: isStepCount(5),
      instructions: "Refund what is asked.",
      prompt: "Refund me 5 cents.",
      abortSignal: ctx.abortSignal,
    });
    return text;
  };
/** Asks for the refund, then says that it is done; ids are new with every answer, as those of real models are. */
const teller = (): ScriptedModel =>
  scriptedModel((n, { prompt }) =>
    prompt.some(({ role }) => role === "tool")
      ? "Done."
      : { text: "I look.", calls: [{ id: `c${n}`, tool: "refund", input: { cents: 5 } }] },
  );

describe("generateText in a step", () => {
  test("ends as it does without Rookery, its calls on record", async () => {
    const double = createDouble();
    const { calls, tools } = createShop();
    const model = teller();
    expect(await double.attempt(agentOf(model, tools, "park"))).toBe("Done.");
    expect(calls).toEqual([{ cents: 5, key: "w/tool/refund/c0", toolCallId: "c0" }]);
    expect(confirmed(double)).toEqual({ "tool/refund/c0": { paid: 5 } });
    expect(double.output.join("")).toBe("I look.\n\nDone.");
    expect(double.meters).toEqual({ inputTokens: 20, outputTokens: 6 });
    expect([...double.memos.values()].join("")).not.toMatch(/cookie|body/);
  });

  test("goes on at the tool call that a crash cut off, without asking the model again", async () => {
    const double = createDouble();
    const model = teller();
    const { calls, tools } = createShop();
    expect(
      await double.attempt((ctx, kill) => {
        const shop = createShop(() => kill());
        return agentOf(model, shop.tools, "rerun")(ctx);
      }),
    ).toBe("killed");
    expect(model.asked).toHaveLength(1);
    expect(await double.attempt(agentOf(model, tools, "rerun"))).toBe("Done.");
    expect(model.asked).toHaveLength(2);
    expect(calls).toEqual([{ cents: 5, key: "w/tool/refund/c0", toolCallId: "c0" }]);
    expect(double.output.join("")).toBe("I look.I look.\n\nDone.");
  });

  test("asks the outside system about the call, by its id and in the tool's own types", async () => {
    const double = createDouble();
    const model = teller();
    const { calls, tools } = createShop();
    await double.attempt((ctx, kill) => agentOf(model, createShop(() => kill()).tools, "park")(ctx));
    const asked: unknown[] = [];
    const answer = await double.attempt(
      agentOf(model, tools, {
        refund: async (input, { toolCallId, idempotencyKey }) => {
          asked.push({ ...input, toolCallId, idempotencyKey });
          return { happened: true, result: { paid: input.cents } };
        },
      }),
    );
    expect(answer).toBe("Done.");
    expect(calls).toEqual([]);
    expect(asked).toEqual([{ cents: 5, toolCallId: "c0", idempotencyKey: "w/tool/refund/c0" }]);
    expect(JSON.stringify(model.asked.at(-1)?.prompt)).toContain('"paid":5');
  });

  test("ends the attempt when a call is in doubt: the model is not told, and begins nothing more", async () => {
    const double = createDouble();
    const model = teller();
    const { calls, tools } = createShop(() => {
      throw new Error("connection reset");
    });
    await expect(double.attempt(agentOf(model, tools, "park"))).rejects.toThrow(EffectInDoubtError);
    expect(model.asked).toHaveLength(1);
    await expect(double.attempt(agentOf(model, tools, "park"))).rejects.toThrow(EffectInDoubtError);
    expect(calls).toHaveLength(1);
  });

  test("tells the model of an error of a tool that is safe to repeat, and of the same one after a crash", async () => {
    const double = createDouble();
    const model = teller();
    const { calls, tools } = createShop((_input, n) => {
      throw new RangeError(`no such account (${n})`);
    });
    let deaths = 0;
    const step = (ctx: StepCtx, kill: () => Promise<never>) => {
      const dying = scriptedModel(() => "");
      dying.doGenerate = (options) => (model.asked.length === 1 && deaths++ === 0 ? kill() : model.doGenerate(options));
      return agentOf(dying, tools, "rerun")(ctx);
    };
    expect(await double.attempt(step)).toBe("killed");
    expect(await double.attempt(step)).toBe("Done.");
    expect(calls).toHaveLength(1);
    expect(JSON.stringify(model.asked.at(-1)?.prompt)).toContain("no such account (1)");
  });

  test("tells the model what surely did not happen, unless that is no answer: then the step is tried again", async () => {
    const refusing = (): unknown => {
      throw new DidNotHappen("card declined");
    };
    const told = createDouble();
    const model = teller();
    expect(await told.attempt(agentOf(model, createShop(refusing).tools, "park"))).toBe("Done.");
    expect(JSON.stringify(model.asked.at(-1)?.prompt)).toContain("card declined");

    const tried = createDouble();
    const again = teller();
    const { calls, tools } = createShop((input, n) => (n === 1 ? refusing() : { paid: input.cents }));
    const step = agentOf(again, tools, "park", { isAnswer: () => false });
    await expect(tried.attempt(step)).rejects.toThrow(DidNotHappen);
    expect(await tried.attempt(step)).toBe("Done.");
    expect(calls.map(({ toolCallId }) => toolCallId)).toEqual(["c0", "c0"]);
    expect(again.asked).toHaveLength(2);
  });

  test("tells the model nothing of a call that was broken off", async () => {
    const double = createDouble();
    const model = teller();
    const broken = new AbortController();
    const { tools } = createShop(() => {
      broken.abort();
      throw new Error("aborted");
    });
    const step = async (ctx: StepCtx) => {
      const durable = durableTools(ctx, tools, { ifInDoubt: "rerun" });
      await generateText({ model: durableModel(ctx, model), tools: durable, prompt: "Refund.", abortSignal: broken.signal });
    };
    await double.attempt((ctx) => step(ctx).catch(() => undefined));
    expect(confirmed(double)).toEqual({});
  });

  test("keeps dates, URLs and bytes of a result, and says so of one that cannot be kept", async () => {
    const made = {
      at: new Date(5),
      link: new URL("https://a.example/b"),
      bytes: new Uint8Array([1, 255]),
      $type: "mine",
      none: undefined,
    };
    const seen: unknown[] = [];
    const step = async (ctx: StepCtx, result: unknown) => {
      const tools = durableTools(ctx, createShop(() => result).tools, { ifInDoubt: "park" });
      const { execute } = tools.refund;
      seen.push(await execute({ cents: 5 }, { toolCallId: "c", messages: [], context: undefined as never }));
    };
    const double = createDouble();
    await double.attempt((ctx) => step(ctx, made));
    await double.attempt((ctx) => step(ctx, "never run"));
    const { none: _none, ...kept } = made;
    expect(seen).toEqual([kept, kept]);
    const odd = createDouble();
    await expect(odd.attempt((ctx) => step(ctx, { big: 5n }))).rejects.toThrow(
      "the tool was run, but its result cannot be stored",
    );
    await expect(odd.attempt((ctx) => step(ctx, "never run"))).rejects.toThrow("the tool was run");
    const nothing = createDouble();
    await nothing.attempt((ctx) => step(ctx, undefined));
    expect(seen.at(-1)).toBeNull();
  });

  test("tells calls apart that have the same id", async () => {
    const double = createDouble();
    const { calls, tools } = createShop();
    const model = scriptedModel(
      (n): Line => (n < 2 ? { calls: [{ id: "call_0", tool: "refund", input: { cents: n } }] } : "Done."),
    );
    expect(await double.attempt(agentOf(model, tools, "park"))).toBe("Done.");
    expect(calls.map(({ cents }) => cents)).toEqual([0, 1]);
    expect(Object.keys(confirmed(double))).toEqual(["tool/refund/call_0", "tool/refund/call_0#2"]);
  });

  test("asks again after a call that failed, under the same number", async () => {
    const double = createDouble();
    let broken = true;
    const model = scriptedModel(() => {
      if (broken) throw new Error("overloaded");
      return "Hello.";
    });
    const step = async (ctx: StepCtx) => {
      const ask = () => generateText({ model: durableModel(ctx, model), prompt: "Hi", maxRetries: 0 });
      await expect(ask()).rejects.toThrow("overloaded");
      broken = false;
      return (await ask()).text;
    };
    expect(await double.attempt(step)).toBe("Hello.");
    expect(
      await double.attempt(async (ctx) => (await generateText({ model: durableModel(ctx, model), prompt: "Hi" })).text),
    ).toBe("Hello.");
    expect(model.asked).toHaveLength(2);
  });
});

describe("a conversation that another attempt does not repeat", () => {
  const once = (double: ReturnType<typeof createDouble>, model: ScriptedModel, prompt: string, instructions = "Be brief.") =>
    double.attempt(async (ctx) => (await generateText({ model: durableModel(ctx, model), prompt, instructions })).text);

  test("is asked anew when its answer called no tools, and keeps its answer when only instructions differ", async () => {
    const double = createDouble();
    const model = scriptedModel((n) => `answer ${n}`);
    expect(await once(double, model, "a")).toBe("answer 0");
    expect(await once(double, model, "a", "It is noon. Be brief.")).toBe("answer 0");
    expect(await once(double, model, "b")).toBe("answer 1");
    expect(await once(double, model, "b")).toBe("answer 1");
    expect(double.logged).toHaveLength(2);
  });

  test("is refused when tools may have begun", async () => {
    const double = createDouble();
    const { calls, tools } = createShop();
    const step = (prompt: string) => async (ctx: StepCtx) =>
      (await generateText({ model: durableModel(ctx, teller()), tools: durableTools(ctx, tools, { ifInDoubt: "park" }), prompt }))
        .text;
    await double.attempt(step("at noon"));
    await expect(double.attempt(step("at one"))).rejects.toThrow(EffectConflictError);
    expect(calls).toHaveLength(1);
  });

  test("is refused when it is held beside another of the same name", async () => {
    const double = createDouble();
    const model = scriptedModel(() => "x");
    const both = (names: readonly string[]) => (ctx: StepCtx) =>
      Promise.all(names.map((name) => generateText({ model: durableModel(ctx, model, { name }), prompt: name })));
    await expect(double.attempt(both(["a", "a"]))).rejects.toThrow(InvalidArgumentError);
    expect(await double.attempt(both(["b", "c"]))).toHaveLength(2);
  });
});

describe("streamText in a step", () => {
  const step = (model: ScriptedModel, tools: Tools) => async (ctx: StepCtx) => {
    const parts: string[] = [];
    const result = streamText({
      model: durableModel(ctx, model),
      tools: durableTools(ctx, tools, { ifInDoubt: "rerun" }),
      stopWhen: isStepCount(5),
      prompt: "Refund me 5 cents.",
      onError: () => undefined,
    });
    for await (const part of result.textStream) parts.push(part);
    return parts.join("");
  };

  test("streams the text to its reader and to the output, word by word", async () => {
    const double = createDouble();
    const { tools } = createShop();
    expect(await double.attempt(step(teller(), tools))).toBe("I look.Done.");
    expect(double.output).toEqual(["I ", "look.", "\n\n", "Done."]);
    expect(double.meters).toEqual({ inputTokens: 20, outputTokens: 6 });
  });

  test("streams what it remembers, and begins no tool before the answer that calls it is on record", async () => {
    const double = createDouble();
    const model = teller();
    const remembered: number[] = [];
    await double.attempt((ctx, kill) =>
      step(
        model,
        createShop(() => {
          remembered.push(double.memos.size);
          return kill();
        }).tools,
      )(ctx),
    );
    expect(remembered).toEqual([1]);
    const { calls, tools } = createShop();
    expect(await double.attempt(step(model, tools))).toBe("I look.Done.");
    expect(calls).toHaveLength(1);
    expect(model.asked).toHaveLength(2);
  });

  test("gives its reader no tool call before the answer is on record", async () => {
    const double = createDouble();
    const remembered = await double.attempt(async (ctx) => {
      const model = durableModel(ctx, teller());
      const { stream } = await model.doStream({ prompt: [{ role: "user", content: [{ type: "text", text: "Refund." }] }] });
      const seen: [string, number][] = [];
      for await (const { type } of stream) seen.push([type, double.memos.size]);
      return seen.filter(([type]) => type === "tool-call" || type === "finish");
    });
    expect(remembered).toEqual([
      ["tool-call", 1],
      ["finish", 1],
    ]);
  });

  test("remembers no answer that broke off", async () => {
    const double = createDouble();
    const model = scriptedModel(() => "Hello there.");
    const cut: ScriptedModel = {
      ...model,
      doStream: async (options) => {
        const { stream } = await model.doStream(options);
        return { stream: ReadableStream.from((await Array.fromAsync(stream)).slice(0, -2)) };
      },
    };
    await double.attempt((ctx) => step(cut, createShop().tools)(ctx).catch(() => undefined));
    expect(double.memos.size).toBe(0);
  });
});

test("a ToolLoopAgent needs nothing else", async () => {
  const double = createDouble();
  const { calls, tools } = createShop();
  const text = await double.attempt(async (ctx) => {
    const agent = new ToolLoopAgent({
      model: durableModel(ctx, teller()),
      tools: durableTools(ctx, tools, { ifInDoubt: "park" }),
    });
    return (await agent.generate({ prompt: "Refund me 5 cents." })).text;
  });
  expect(text).toBe("Done.");
  expect(calls).toHaveLength(1);
});

test("every tool needs its choice", async () => {
  const double = createDouble();
  const { tools } = createShop();
  await double.attempt(async (ctx) => {
    // @ts-expect-error refund has an execute
    expect(() => durableTools(ctx, tools, { ifInDoubt: {} })).toThrow("durableTools: ifInDoubt of refund");
    // @ts-expect-error the choice
    expect(() => durableTools(ctx, tools, {})).toThrow(InvalidArgumentError);
    const asked = tool({ inputSchema: z.object({}), outputSchema: z.string() });
    expect(durableTools(ctx, { asked }, { ifInDoubt: {} })).toEqual({ asked });
  });
});
