/** One mechanism by which a simulator gets between a caller and any port: crash before or after, delay, lose an answer. */
export interface PortCall {
  readonly port: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** `run` makes the call; what is returned or thrown is what the caller sees. It may be run never, once, or again. */
export type Intercept = <T>(call: PortCall, run: () => Promise<T>) => Promise<T>;

/**
 * The port with every call passed through `intercept`. Methods answer with promises, except those named in `streams`,
 * which return an async iterable: for them the opening is what is intercepted.
 */
export function intercepted<P extends object>(
  port: string,
  target: P,
  intercept: Intercept | undefined,
  streams: readonly string[] = [],
): P {
  if (intercept === undefined) return target;
  const between: P = { ...target };
  for (const [method, member] of Object.entries(target)) {
    if (typeof member !== "function") continue;
    const isStream = streams.includes(method);
    const through = (...args: readonly unknown[]): unknown => {
      const answer = intercept({ port, method, args }, async (): Promise<unknown> => Reflect.apply(member, target, args));
      return isStream ? opened(answer) : answer;
    };
    Reflect.set(between, method, through);
  }
  return between;
}

async function* opened(opening: Promise<unknown>): AsyncGenerator<unknown> {
  const stream = await opening;
  if (isAsyncIterable(stream)) yield* stream;
}
function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
