/** A door before AWS that fails as networks and services do: whatever is chosen for each request that comes. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import { invariant } from "../../src/domain/errors.ts";
import { type Operation, operationOf, type Refusal, refusalOf } from "./operations.ts";

export type Fault =
  /** The request gets through, and its answer is lost. */
  | { readonly kind: "lose" }
  /** Nothing gets through, and the connection breaks. */
  | { readonly kind: "break" }
  /** Nothing gets through, and nothing comes back. */
  | { readonly kind: "hang" }
  /** The request gets through so much later, or its answer comes so much later. */
  | { readonly kind: "delay"; readonly what: "request" | "answer"; readonly ms: number }
  /** One entry of a batch is refused, the others get through. */
  | { readonly kind: "refuse entry" }
  | ({ readonly kind: "answer" } & Refusal);

export interface FaultyDoor {
  readonly endpoint: string;
  /** Operations that came, in order. */
  readonly seen: string[];
  /** Their bodies, as text. */
  readonly asked: string[];
  /** Faults of the requests to come; those after them are chosen, or pass. */
  faults: Fault[];
  close(): Promise<void>;
}
/** What shall go wrong with a request; null for nothing. */
export type Choose = (operation: Operation, body: string) => Fault | null;

export async function openFaultyDoor(target: string, choose: Choose = () => null): Promise<FaultyDoor> {
  const server = createServer(async (req, res) => {
    const operation = operationOf(req);
    door.seen.push(operation.name);
    const given = door.faults.shift();
    const body = await bodyOf(req).catch(() => null);
    if (body === null) return;
    const text = body.toString("latin1");
    door.asked.push(text);
    const fault = given ?? choose(operation, text);
    await handle({ target, req, res, operation, body }, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  invariant(typeof address === "object" && address !== null, "the door listens");
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const door: FaultyDoor = { endpoint: `http://127.0.0.1:${address.port}`, seen: [], asked: [], faults: [], close };
  return door;
}

interface Visit {
  readonly target: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly operation: Operation;
  readonly body: Buffer;
}
interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function handle(visit: Visit, fault: Fault | null): Promise<void> {
  const { req, res, operation } = visit;
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  switch (fault?.kind) {
    case undefined:
      return tell(res, await pass(visit));
    case "hang":
      return;
    case "break":
      return void req.socket.destroy();
    case "lose":
      await pass(visit);
      return void req.socket.destroy();
    case "delay": {
      if (fault.what === "request") await wait(fault.ms);
      const answer = await pass(visit);
      if (fault.what === "answer") await wait(fault.ms);
      return tell(res, answer);
    }
    case "refuse entry":
      return tell(res, await passButOne(visit));
    case "answer":
      return tell(res, refusalOf(operation, fault));
  }
}
function tell(res: ServerResponse, answer: Answer | null): void {
  if (answer === null) return void res.destroy();
  res.writeHead(answer.status, answer.headers);
  res.end(answer.body);
}

/** Null when the other side cannot be reached. */
function pass({ target, req, body }: Visit): Promise<Answer | null> {
  const { method = "GET", headers } = req;
  const told = { ...headers, "content-length": String(body.length) };
  delete told["transfer-encoding"];
  return new Promise((resolve) => {
    const onward = request(`${target}${req.url}`, { method, headers: told }, (answer) => {
      bodyOf(answer).then(
        (text) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
        () => resolve(null),
      );
    });
    onward.on("error", () => resolve(null));
    onward.end(body);
  });
}
async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Batch {
  readonly Entries: readonly { readonly Id: string }[];
}
async function passButOne(visit: Visit): Promise<Answer | null> {
  const batch: Batch = JSON.parse(visit.body.toString());
  const [refused, ...Entries] = batch.Entries;
  const none = { status: 200, headers: { "content-type": "application/x-amz-json-1.0" }, body: Buffer.from("{}") };
  const others = Buffer.from(JSON.stringify({ ...batch, Entries }));
  const answer = Entries.length === 0 ? none : await pass({ ...visit, body: others });
  if (answer === null || answer.status !== 200) return answer;
  const told: { readonly Failed?: readonly unknown[] } = JSON.parse(answer.body.toString());
  const failed = { Id: refused?.Id, SenderFault: false, Code: "InternalError", Message: "because of a fault" };
  const body = Buffer.from(JSON.stringify({ ...told, Failed: [...(told.Failed ?? []), failed] }));
  return { ...answer, headers: { ...answer.headers, "content-length": String(body.length) }, body };
}

/** How many ms `call` took to fail, and with what. */
export async function failing(call: () => Promise<unknown>): Promise<{ readonly error: unknown; readonly tookMs: number }> {
  const startedAtMs = Date.now();
  try {
    await call();
  } catch (error) {
    return { error, tookMs: Date.now() - startedAtMs };
  }
  throw new Error("expected a failure, got none");
}
