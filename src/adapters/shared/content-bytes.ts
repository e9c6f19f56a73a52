import type { RecordDraft } from "../../ports/record-store.ts";

/** Of a record whose body is kept as JSON text, in characters: bodies are close to ASCII. */
export function contentBytes({ body, data }: RecordDraft): number {
  return JSON.stringify(body).length + (data?.byteLength ?? 0);
}
