/** A mail server on this machine that sends nothing: what it was given, it keeps, once per idempotency key. */
import { createServer } from "node:http";

export interface Mail {
  readonly to: string;
  readonly text: string;
}
export interface MailServer {
  readonly url: string;
  sent(): Mail[];
  close(): Promise<void>;
}

export async function startMailServer(): Promise<MailServer> {
  const byKey = new Map<string, Mail>();
  const server = createServer(async (request, response) => {
    const key = (request.url ?? "/").slice(1);
    if (request.method === "PUT") {
      const text = (await request.toArray()).join("");
      if (!byKey.has(key)) byKey.set(key, JSON.parse(text));
    }
    response.writeHead(byKey.has(key) ? 200 : 404).end(JSON.stringify({ id: key }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A worker is to end when its work does.
  server.unref();
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    sent: () => [...byKey.values()],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
