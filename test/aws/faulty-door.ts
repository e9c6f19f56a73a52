/** A door before DynamoDB that fails as networks and services do: one fault for each of the next requests. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { invariant } from "../../src/domain/errors.ts";

export type Fault =
  /** The request gets through, and its answer is lost. */
  | { readonly kind: "lose" }
  /** Nothing gets through, and nothing comes back. */
  | { readonly kind: "hang" }
  | { readonly kind: "answer"; readonly status: number; readonly error: string };

export interface FaultyDoor {
  readonly endpoint: string;
  /** Operations that came, in order. */
  readonly seen: string[];
  /** Their bodies, as text. */
  readonly asked: string[];
  /** Faults of the requests to come; those after them pass. */
  faults: Fault[];
  close(): Promise<void>;
}

export async function openFaultyDoor(target: string): Promise<FaultyDoor> {
  const server = createServer((req, res) => {
    door.seen.push(String(req.headers["x-amz-target"]).split(".").at(-1) ?? "");
    let body = "";
    req.on("data", (chunk: Buffer) => {
      body += chunk.toString("latin1");
    });
    req.on("end", () => door.asked.push(body));
    const fault = door.faults.shift();
    if (fault?.kind === "hang") return;
    if (fault?.kind === "answer") return refuse(res, fault);
    pass(target, req, res, fault?.kind === "lose");
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

function refuse(res: ServerResponse, { status, error }: { readonly status: number; readonly error: string }): void {
  res.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  res.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${error}`, message: `because of ${error}` }));
}

function pass(target: string, req: IncomingMessage, res: ServerResponse, lose: boolean): void {
  const { method, headers } = req;
  const onward = request(`${target}${req.url}`, { ...(method === undefined ? {} : { method }), headers }, (answer) => {
    if (lose) {
      answer.resume().on("end", () => req.socket.destroy());
      return;
    }
    res.writeHead(answer.statusCode ?? 0, answer.headers);
    answer.pipe(res);
  });
  onward.on("error", () => res.destroy());
  req.pipe(onward);
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
