/** Calls a function URL as its callers do, signed with Signature Version 4; the request goes to the emulator. */
import { createHash, createHmac } from "node:crypto";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { CREDENTIALS, REGION } from "../../localstack/emulator.ts";
import { endpointNow } from "./deployed.ts";

export interface Call {
  /** With its query. */
  readonly path: string;
  /** Default: GET, and POST with a body. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default true. */
  readonly signed?: boolean;
}
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** @param url as the stack gives it out, `https://….on.aws/` */
export async function callUrl(url: string, { path, body, signed = true, ...call }: Call): Promise<Answer> {
  const target = new URL(path, url);
  const method = call.method ?? (body === undefined ? "GET" : "POST");
  const headers = { ...call.headers, host: target.host };
  const scope = { signingName: "lambda", region: REGION, ...CREDENTIALS, at: new Date() };
  const sent = signed ? sign({ method, url: target, headers, body: body ?? "" }, scope) : headers;
  const emulator = new URL(endpointNow());
  return new Promise((resolve, reject) => {
    const to = { host: emulator.hostname, port: emulator.port, path: `${target.pathname}${target.search}` };
    const asked = request({ ...to, method, headers: sent }, (answer) => {
      text(answer).then((whole) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole }), reject);
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

export interface Unsigned {
  readonly method: string;
  readonly url: URL;
  /** With lower-case names, `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export interface Scope {
  /** The name that AWS signs its requests with. */
  readonly signingName: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly at: Date;
}

/** The headers with their signature: AWS Signature Version 4. */
export function sign({ method, url, headers, body }: Unsigned, scope: Scope): Record<string, string> {
  const instant = scope.at.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const parts = [instant.slice(0, 8), scope.region, scope.signingName, "aws4_request"];
  const all: Record<string, string> = { ...headers, "x-amz-date": instant };
  const names = Object.keys(all).sort();
  const query = [...url.searchParams].map(([name, value]) => `${escaped(name)}=${escaped(value)}`).sort();
  const path = url.pathname.split("/").map(escaped).join("/");
  const lines = names.map((name) => `${name}:${all[name]?.trim()}\n`).join("");
  const asked = [method, path, query.join("&"), lines, names.join(";"), sha256(body)].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", instant, parts.join("/"), sha256(asked)].join("\n");
  const key = parts.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${scope.secretAccessKey}`);
  const credential = `Credential=${scope.accessKeyId}/${parts.join("/")}`;
  const signature = hmac(key, toSign).toString("hex");
  return { ...all, authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}` };
}

const sha256 = (data: string): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();
/** As the signature wants it: all but A–Z a–z 0–9 - . _ ~ */
const escaped = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
