/** Readers of an output stream that do what is asked of them: keep what comes, drop what is replaced. */
import type { OutputEvent } from "../../src/runtime/output-reader.ts";

export interface Reading {
  readonly events: OutputEvent[];
  /** The text that counts so far, of all steps in order. */
  text(): string;
  /** Resolves when the stream ends. */
  readonly done: Promise<void>;
}

/** Begins to read. `before` is what an earlier reader of the same stream kept. */
export function reading(output: AsyncIterable<OutputEvent>, before: readonly OutputEvent[] = []): Reading {
  const events: OutputEvent[] = [];
  return {
    events,
    text: () => committedText([...before, ...events]),
    done: (async () => {
      for await (const event of output) events.push(event);
    })(),
  };
}

export function committedText(events: readonly OutputEvent[]): string {
  const steps = new Map<number, string>();
  for (const { kind, step, text } of events) {
    if (kind === "replaced") steps.delete(step);
    if (kind === "chunk") steps.set(step, (steps.get(step) ?? "") + text);
  }
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map(([, text]) => text)
    .join("");
}
/** `chunk 0.1 hello`: kind, step and attempt, text. */
export function told({ kind, step, attempt, text }: OutputEvent): string {
  return `${kind} ${step}.${attempt}${text === "" ? "" : ` ${text}`}`;
}
