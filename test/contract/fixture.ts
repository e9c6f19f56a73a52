/** What the suites share. Adapters keep their state between tests, so every test makes up its own names. */
import { randomBytes } from "node:crypto";

export interface Fixture<P> {
  readonly port: P;
  close?(): void | Promise<void>;
}

export interface Subject<P> {
  readonly name: string;
  readonly create: () => Fixture<P> | Promise<Fixture<P>>;
}

export function uniqueName(): string {
  return randomBytes(10).toString("hex");
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
