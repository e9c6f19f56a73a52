/** A small web page on a free loopback port that answers as a test wants. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export interface Page {
  readonly url: string;
  /** Requests so far. */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

export async function openPage(answer: RequestListener): Promise<Page> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    seen,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
