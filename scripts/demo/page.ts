/** The page that the demo watches: on a free loopback port, down once, so that a failed look can be seen too. */
import { createServer } from "node:http";

export const CLAIM = "Rooks nest in colonies";
/** The request that is answered with 503. */
const DOWN_AT = 5;

export interface WatchedPage {
  readonly url: string;
  /** So far. */
  requests(): number;
  close(): void;
}

export async function openPage(): Promise<WatchedPage> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    const down = requests === DOWN_AT;
    response.writeHead(down ? 503 : 200, { "content-type": "text/html; charset=utf-8" });
    response.end(down ? "<p>Back in a minute.</p>\n" : `<h1>Rooks</h1>\n<p>${CLAIM}, high up in trees.</p>\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the page has no port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    requests: () => requests,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
